//! The false outside world that tests of both rooms stand in.

pub mod beside;
pub mod child;
pub mod doors;
pub mod forge;
pub mod host;
pub mod identity;
pub mod in_process;
pub mod liar;
pub mod load;
pub mod measure;
pub mod native;
pub mod postbox;
pub mod simulator;
pub mod site;
pub mod world;

/// Says aloud that tests are left out, and why. The test runner swallows what a test that passes prints with `println!`;
/// it does not swallow this.
pub fn left_out(why: &str) {
    use std::io::Write as _;
    // Where nobody listens nobody needs to know.
    let _ = writeln!(std::io::stderr(), "left out: {why}");
}
