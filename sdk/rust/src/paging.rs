//! Listings as iterators.
//!
//! Knows cursors, not what a page holds. Entered through `all` of the reading modules.

use std::vec;

use crate::types::{Cursor, Error, Page};

/// Rows asked for at a time: the most a page may hold, since each call has a price and a row has not.
pub const PAGE_ROWS: u32 = 1000;

/// One page: its rows and the cursor of the next.
pub(crate) type Fetched<T> = Result<(Vec<T>, Option<Cursor>), Error>;

/// Rows of a listing, fetched page by page while they are taken. Ends after the first error.
pub struct Pages<T, F> {
    fetch: F,
    rows: vec::IntoIter<T>,
    next: Next,
}

enum Next {
    First,
    After(Cursor),
    Done,
}

impl<T, F: FnMut(&Page) -> Fetched<T>> Pages<T, F> {
    pub(crate) fn new(fetch: F) -> Self {
        Self {
            fetch,
            rows: Vec::new().into_iter(),
            next: Next::First,
        }
    }
}

impl<T, F: FnMut(&Page) -> Fetched<T>> Iterator for Pages<T, F> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.rows.next() {
                return Some(Ok(row));
            }
            let after = match std::mem::replace(&mut self.next, Next::Done) {
                Next::First => None,
                Next::After(cursor) => Some(cursor),
                Next::Done => return None,
            };
            let page = Page {
                limit: PAGE_ROWS,
                after,
            };
            match (self.fetch)(&page) {
                Ok((rows, next)) => {
                    self.rows = rows.into_iter();
                    self.next = next.map_or(Next::Done, Next::After);
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Problem;

    #[test]
    fn rows_of_all_pages_come_in_order_and_empty_pages_do_not_end_it() {
        let rows: Result<Vec<u32>, Error> = Pages::new(|page: &Page| match page.after.as_deref() {
            None => Ok((vec![1, 2], Some("a".into()))),
            Some("a") => Ok((vec![], Some("b".into()))),
            Some("b") => Ok((vec![3], None)),
            Some(other) => panic!("an unknown cursor {other}"),
        })
        .collect();
        assert_eq!(rows, Ok(vec![1, 2, 3]));
    }

    #[test]
    fn an_error_is_given_once_and_ends_the_listing() {
        let mut calls = 0;
        let mut rows = Pages::new(|_: &Page| -> Fetched<u32> {
            calls += 1;
            Err(Error::Limit(Problem::new("rows", "no more")))
        });
        assert!(rows.next().is_some_and(|row| row.is_err()));
        assert!(rows.next().is_none());
        drop(rows);
        assert_eq!(calls, 1);
    }
}
