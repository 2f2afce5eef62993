//! What a release is. Pure: no IO but reading bytes that are handed in.
//!
//! Start at [`Release`]. A *tag* is what the publisher calls it (`v4.0.8`) and what URLs are made from; a *version* is
//! what is compared (`4.0.8`). Nothing that is not a [`version::Version`] or a [`version::Tag`] ever reaches a path.

pub mod digest;
pub mod inspect;
pub mod jar;
pub mod openpgp;
pub mod version;

pub use digest::{Checksum, Sha256};
pub use version::{Tag, Version};

/// A release that a source says exists. Nothing about it is trusted yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// As the publisher writes it; carries the version.
    pub tag: Tag,
}

impl Release {
    /// The version to compare by.
    pub fn version(&self) -> &Version {
        self.tag.version()
    }
}
