//! Seals what goes out and opens what comes in: an ASiC-E container, signed, inside an encrypted CMS message.
//!
//! Start at [`Sealer`], which implements [`crate::ports::Sealing`] with two streams; [`Packer`] leaves the envelope away. What it is made of takes bytes and
//! gives bytes, and knows neither time nor disk nor task: out goes `asic_writer` (over `zip_writer`, `manifests`,
//! `signature`) into `envelope`; in comes `unseal` (over `recipients`, `frames`, `cipher`) into `container` (over
//! `zip_reader`, `directory`, `asic_manifest`, `verify`, `trust`). All of them hold a few hundred KiB, however long the
//! package is, and none of them panics, whatever comes.

mod asic_manifest;
mod asic_writer;
mod ber;
mod certificate;
mod cipher;
mod container;
mod der;
mod directory;
mod envelope;
mod frames;
mod gcm;
mod keys;
mod manifests;
mod names;
mod oids;
mod packer;
mod reads;
mod recipients;
mod sealer;
mod signature;
mod trust;
mod unseal;
mod verify;
mod zip_reader;
mod zip_writer;

pub use packer::Packer;
pub use reads::{reads_asic, reads_asic_manifest, reads_certificate, reads_cms, reads_signature};
pub use sealer::Sealer;
pub use trust::Authorities;

#[cfg(test)]
mod tests;
