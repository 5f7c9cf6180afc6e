//! Stories through the public interface, each on both databases.

mod crash;
mod kit;
mod matrix;
mod road;
mod tools;
