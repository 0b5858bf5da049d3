//! Tiny plugins for the tests, one for each thing that the sandbox must do.
//!
//! The plugins are this package's examples; each has a manifest of its own beside them. They know nothing of the tests
//! that run them. Built by `tests/artifacts`.
