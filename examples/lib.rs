//! Who uses switchgear, and how: each example of this package is a program that CI runs.
