//! Was built against a contract that calls itself the same and is not.

#[cfg(target_arch = "wasm32")]
#[expect(clippy::pedantic, reason = "generated from the world below")]
mod bindings {
    wit_bindgen::generate!({
        inline: r#"
            package bursar:office@0.1.0;

            interface clock {
                now: func() -> string;
            }

            interface handler {
                run: func() -> string;
            }

            world automation {
                import clock;
                export handler;
            }
        "#,
        world: "automation",
    });
}

#[cfg(target_arch = "wasm32")]
#[expect(
    unsafe_code,
    reason = "the export is generated, and names its symbol itself"
)]
mod plugin {
    use super::bindings::{bursar::office::clock, export, exports::bursar::office::handler::Guest};

    struct Misfit;

    impl Guest for Misfit {
        fn run() -> String {
            clock::now()
        }
    }

    export!(Misfit with_types_in super::bindings);
}
