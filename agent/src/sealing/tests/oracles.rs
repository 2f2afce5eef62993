//! Independent programs.
