//! Stories through the public interface, each on both databases.

mod kit;
mod road;
