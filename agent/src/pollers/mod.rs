//! What happens by itself: sending what is due, fetching what has come, upkeep. Each is a future that the app polls; none is
//! spawned. They end when the stop is asked, and finish what they hold.

mod collecting;
mod dispatching;
mod opening;
mod pace;
mod pushing;
mod upkeep;

pub use collecting::collect;
pub use dispatching::{Dispatching, dispatch};
pub use opening::open;
pub use pushing::push;
pub use upkeep::{Upkeep, upkeep};

#[cfg(test)]
mod tests;
