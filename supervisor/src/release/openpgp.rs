//! `OpenPGP`: the policy and the verdict. To be written.
