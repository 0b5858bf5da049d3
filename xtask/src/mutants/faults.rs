//! The list: every fault that is planted, and which tests must notice it.
//!
//! Job: data, by what the faults are about. It does not know how a fault is planted. Entered at [`all`].

mod books;
mod log;
mod permissions;
mod records;
mod schedules;

/// Tests that are built and run together.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Suite {
    pub package: &'static str,
    /// Which of the package's test programs, as cargo is told.
    pub target: &'static str,
}

/// One planted fault.
#[derive(Debug)]
pub struct Fault {
    pub name: &'static str,
    /// What is wrong then, in one line.
    pub about: &'static str,
    /// The rule that it breaks, by its number or its words in `DOMAIN.md`.
    pub breaks: &'static str,
    pub file: &'static str,
    /// Occurs in the file exactly once.
    pub find: &'static str,
    pub replace: &'static str,
    pub suite: &'static Suite,
    /// Parts of names of tests: one of those that are called so must fail.
    pub tests: &'static [&'static str],
}

pub const DOMAIN: Suite = Suite {
    package: "bursar-domain",
    target: "--lib",
};
pub const PROPERTIES: Suite = Suite {
    package: "bursar-domain",
    target: "--test=properties",
};
pub const LATTICE: Suite = Suite {
    package: "bursar-domain",
    target: "--test=permissions",
};
pub const SCHEDULES: Suite = Suite {
    package: "bursar-domain",
    target: "--test=schedules",
};
pub const DATABASE: Suite = Suite {
    package: "bursar-db",
    target: "--lib",
};
pub const OPERATIONS: Suite = Suite {
    package: "bursar-office",
    target: "--test=office",
};
pub const FILES: Suite = Suite {
    package: "bursar-office",
    target: "--lib",
};
pub const WORK: Suite = Suite {
    package: "bursar-worker",
    target: "--lib",
};

/// All faults; those of one suite stand together, so that little is built for each.
pub fn all() -> Vec<&'static Fault> {
    let lists = [
        books::FAULTS,
        schedules::FAULTS,
        log::FAULTS,
        records::FAULTS,
        permissions::FAULTS,
    ];
    let mut found: Vec<&Fault> = lists.into_iter().flatten().collect();
    found.sort_by_key(|fault| fault.suite);
    found
}
