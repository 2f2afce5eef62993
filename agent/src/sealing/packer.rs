//! The container alone, with no envelope round it: for a folder of one's own in place of a service.

use super::keys::Own;
use super::sealer::{opened, pressed};
use super::trust::Authorities;
use crate::domain::Refuse;
use crate::keystore::Identity;
use crate::ports::{Answer, BlobReader, Blobs, Opened, Packing, SealError, ToSeal};
use efm::clock::Clock;
use std::sync::Arc;

/// Packs, and signs where this site has a key.
pub struct Packer {
    own: Arc<[Own]>,
    blobs: Arc<dyn Blobs>,
    clock: Clock,
    authorities: Arc<Authorities>,
}

impl Packer {
    /// Without a key: nothing is signed.
    pub fn unsigned(blobs: Arc<dyn Blobs>, clock: Clock) -> Self {
        Self { own: Arc::new([]), blobs, clock, authorities: Arc::default() }
    }

    /// With this key.
    ///
    /// # Errors
    /// It is no key that can sign.
    pub fn signing(own: &Identity, blobs: Arc<dyn Blobs>, clock: Clock) -> Result<Self, SealError> {
        let chain = own.chain.iter().map(|certificate| certificate.to_vec()).collect();
        let own = Own::read(&own.alias, own.key.secret_pkcs8_der(), chain)?;
        Ok(Self { own: Arc::new([own]), ..Self::unsigned(blobs, clock) })
    }
}

impl Packing for Packer {
    fn pack<'a>(&'a self, package: &'a ToSeal) -> Answer<'a, Box<dyn BlobReader>, SealError> {
        Box::pin(async move { pressed(package, &self.own, None, &self.blobs, &self.clock) })
    }

    fn look(&self, package: Box<dyn BlobReader>) -> Answer<'_, Opened, SealError> {
        Box::pin(async move { opened(package, None, &self.authorities, Refuse::default(), &self.clock).await })
    }
}
