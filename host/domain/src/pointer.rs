//! JSON Pointers (RFC 6901): steps as they are written, and as they are meant.

/// A step as it is written in a pointer.
pub fn escape(step: &str) -> String {
    step.replace('~', "~0").replace('/', "~1")
}

/// What a written step means.
pub fn unescape(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

/// The member of the whole that a pointer leads into; none for the whole itself.
pub fn member(pointer: &str) -> Option<String> {
    let steps = pointer.strip_prefix('/')?;
    steps.split('/').next().map(unescape)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_read_as_they_were_written() {
        for step in ["", "a", "a/b", "m~n", "~1", "~01", "/", "ä"] {
            let pointer = format!("/{}/x", escape(step));
            assert_eq!(unescape(&escape(step)), step);
            assert_eq!(member(&pointer).as_deref(), Some(step));
        }
        assert_eq!(escape("a/b~"), "a~1b~0");
        assert_eq!(member(""), None);
        assert_eq!(member("/").as_deref(), Some(""));
    }
}
