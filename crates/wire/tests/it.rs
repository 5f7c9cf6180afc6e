//! The interface's bytes, seen from outside.

#[path = "it/answers.rs"]
mod answers;
#[path = "it/calls.rs"]
mod calls;
#[path = "it/specification.rs"]
mod specification;
#[path = "it/support.rs"]
mod support;
