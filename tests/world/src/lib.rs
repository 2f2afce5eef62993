//! The false outside world of the integration point: services that it talks to, each as faithful as its protocol can be told
//! from the outside, with state, checked tokens, and faults on demand. The demo of the program, its tests and the bench stand
//! in it; nothing else uses it. It never connects to anybody.

pub mod broker;
