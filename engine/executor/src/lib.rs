//! stub
pub mod ports;
