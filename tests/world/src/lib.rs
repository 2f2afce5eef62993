//! The false outside world of the integration point: services that it talks to, each as faithful as its protocol can be told
//! from the outside, with state, checked tokens, and faults on demand. The demo of the program, its tests and the bench stand
//! in it; nothing else uses it. It listens on 127.0.0.1 and never connects to anybody. What they share: [`faults`], how they go
//! wrong on demand; [`server`], how they are served.

pub mod broker;
pub mod faults;
pub mod identity;
pub mod maskinporten;
pub mod registry;
pub mod server;
pub mod stage;
