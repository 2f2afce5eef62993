//! The integration point: takes, seals, sends, fetches, opens messages. Start at `app`, which knows every room;
//! then `flow`, the use cases. The walls between the rooms are in ARCHITECTURE.md.

pub mod api;
pub mod app;
pub mod asking;
pub mod blobs;
pub mod channels;
pub mod cli;
pub mod config;
pub mod demo;
pub mod doctor;
pub mod domain;
pub mod entries;
pub mod flow;
pub mod host;
pub mod keystore;
pub mod manage;
pub mod pollers;
pub mod ports;
pub mod registry;
pub mod sbd;
pub mod sealing;
pub mod service;
pub mod store;
pub mod tokens;
pub mod web;
pub mod webhooks;
