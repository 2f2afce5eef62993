//! What the release server serves, and what was asked of it.

use bytes::Bytes;
use hyper::header::HeaderValue;
use sha2::Digest;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Teller = Arc<dyn Fn(&Access) + Send + Sync>;

/// What is served, and what was asked for. Clones share it.
#[derive(Clone, Default)]
pub struct Shelf(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    things: BTreeMap<String, Thing>,
    asked: BTreeMap<String, u64>,
    bytes: u64,
    teller: Option<Teller>,
}

#[derive(Clone)]
pub(super) enum Thing {
    Memory { bytes: Bytes, etag: HeaderValue },
    File(PathBuf),
}

/// One request that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// `GET`
    pub method: String,
    /// What was asked for.
    pub path: String,
    /// How it was answered.
    pub status: u16,
    /// Bytes of the body that was promised.
    pub length: u64,
}

impl Shelf {
    /// Puts bytes at a path like `/v4.0.8/x.jar`, in place of what was there.
    pub fn put(&self, path: &str, bytes: impl Into<Bytes>) {
        let bytes = bytes.into();
        let digest = hex::encode(sha2::Sha256::digest(&bytes));
        let etag = HeaderValue::try_from(format!("\"{digest}\"")).unwrap_or(HeaderValue::from_static("\"none\""));
        self.lock().things.insert(path.to_owned(), Thing::Memory { bytes, etag });
    }

    /// Puts a file at a path; it is read when it is asked for.
    pub fn put_file(&self, path: &str, file: impl Into<PathBuf>) {
        self.lock().things.insert(path.to_owned(), Thing::File(file.into()));
    }

    /// Takes it off.
    pub fn remove(&self, path: &str) {
        self.lock().things.remove(path);
    }

    /// How often the path was asked for.
    pub fn requests(&self, path: &str) -> u64 {
        self.lock().asked.get(path).copied().unwrap_or_default()
    }

    /// How often anything was asked for.
    pub fn all_requests(&self) -> u64 {
        self.lock().asked.values().sum()
    }

    /// How many bytes of bodies were handed out.
    pub fn bytes_sent(&self) -> u64 {
        self.lock().bytes
    }

    /// Counts from zero again.
    pub fn forget_counts(&self) {
        let mut inner = self.lock();
        inner.asked.clear();
        inner.bytes = 0;
    }

    /// Tells each request that was answered.
    pub fn tell(&self, teller: impl Fn(&Access) + Send + Sync + 'static) {
        self.lock().teller = Some(Arc::new(teller));
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Counters and maps are whole after every statement.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn sent(&self, bytes: usize) {
        self.lock().bytes += u64::try_from(bytes).unwrap_or_default();
    }

    pub(super) fn look_up(&self, path: &str) -> Option<Thing> {
        let mut inner = self.lock();
        *inner.asked.entry(path.to_owned()).or_default() += 1;
        inner.things.get(path).cloned()
    }

    pub(super) fn told(&self, access: &Access) {
        let teller = self.lock().teller.clone();
        if let Some(teller) = teller {
            teller(access);
        }
    }
}
