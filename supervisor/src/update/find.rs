//! Find: ask the source what it offers. Changes nothing.

use super::{UpdateError, World};
use crate::ports::{Doors, ReleaseSource};
use crate::release::Release;
use crate::update::compare::Wish;

/// The release that is wished for: what the channel offers, or a version that a person named.
pub async fn wanted<D: Doors>(world: &World<D>, wish: &Wish) -> Result<Release, UpdateError> {
    let release = match wish {
        Wish::Newest => world.source.find().await?,
        Wish::This { version, .. } => world.source.named(version).await?,
    };
    tracing::debug!(tag = %release.tag, "found");
    Ok(release)
}
