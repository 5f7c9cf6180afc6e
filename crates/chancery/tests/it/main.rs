//! Stories through the public interface, each on both databases.

mod apply_errors;
mod apply_kit;
mod apply_money;
mod apply_parameters;
mod apply_replies;
mod crash;
mod kit;
mod matrix;
mod road;
mod tools;
