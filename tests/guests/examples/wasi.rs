//! Imports a WASI, as plugins of other toolchains do, and tells what it finds there.

#[cfg(target_arch = "wasm32")]
#[expect(clippy::pedantic, reason = "generated from the world below")]
mod bindings {
    wit_bindgen::generate!({
        inline: r#"
            package test:plugin;

            world probe {
                import wasi:cli/environment@0.2.3;
                import wasi:cli/stdout@0.2.3;
                import wasi:cli/stderr@0.2.3;
                import wasi:clocks/wall-clock@0.2.3;
                import wasi:clocks/monotonic-clock@0.2.3;
                import wasi:random/random@0.2.3;
                import wasi:filesystem/preopens@0.2.3;
            }

            package wasi:io@0.2.3 {
                interface error {
                    resource error {}
                }
                interface streams {
                    use error.{error};
                    variant stream-error { last-operation-failed(error), closed }
                    resource output-stream {
                        blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
                    }
                }
            }

            package wasi:cli@0.2.3 {
                interface environment {
                    get-environment: func() -> list<tuple<string, string>>;
                    get-arguments: func() -> list<string>;
                }
                interface stdout {
                    use wasi:io/streams@0.2.3.{output-stream};
                    get-stdout: func() -> output-stream;
                }
                interface stderr {
                    use wasi:io/streams@0.2.3.{output-stream};
                    get-stderr: func() -> output-stream;
                }
            }

            package wasi:clocks@0.2.3 {
                interface wall-clock {
                    record datetime { seconds: u64, nanoseconds: u32 }
                    now: func() -> datetime;
                }
                interface monotonic-clock {
                    now: func() -> u64;
                }
            }

            package wasi:random@0.2.3 {
                interface random {
                    get-random-u64: func() -> u64;
                }
            }

            package wasi:filesystem@0.2.3 {
                interface types {
                    resource descriptor {}
                }
                interface preopens {
                    use types.{descriptor};
                    get-directories: func() -> list<tuple<descriptor, string>>;
                }
            }
        "#,
        world: "probe",
        generate_all,
    });
}

#[cfg(target_arch = "wasm32")]
mod plugin {
    use bursar_sdk::{Failure, Plugin, Run, Summary};

    use super::bindings::wasi::{
        cli::{environment, stderr, stdout},
        clocks::{monotonic_clock, wall_clock},
        filesystem::preopens,
        random::random,
    };

    struct Wasi;

    impl Plugin for Wasi {
        fn run(_: &Run) -> Result<Summary, Failure> {
            // A print that fails changes nothing about what is told below.
            drop(stdout::get_stdout().blocking_write_and_flush(b"one line\nand half"));
            drop(stderr::get_stderr().blocking_write_and_flush(b"trouble\n"));
            let (first, second) = (wall_clock::now(), wall_clock::now());
            let told = [
                format!("environment {}", environment::get_environment().len()),
                format!("arguments {}", environment::get_arguments().len()),
                format!("folders {}", preopens::get_directories().len()),
                format!("wall {}.{:09}", first.seconds, first.nanoseconds),
                format!("stands still {}", first.nanoseconds == second.nanoseconds),
                format!("monotonic {}", monotonic_clock::now()),
                format!("random {}", random::get_random_u64()),
            ];
            Ok(Summary::new(told.join("\n")))
        }
    }

    bursar_sdk::plugin!(Wasi);
}
