//! The wall clock, and what is left of a deadline.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use runwright_model::{capability::Error, time::Timestamp};

/// Now.
pub(crate) fn now() -> Timestamp {
    of(SystemTime::now())
}

/// This moment in whole milliseconds.
pub(crate) fn of(moment: SystemTime) -> Timestamp {
    let millis = match moment.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |millis| -millis),
    };
    Timestamp::from_millis(millis)
}

/// The shorter of a time limit and what is left until a deadline; `None` when there is neither.
///
/// # Errors
///
/// `TimedOut` when the deadline has passed: then nothing is started.
pub(crate) fn time_left(limit: Option<Duration>, deadline: Option<Timestamp>) -> Result<Option<Duration>, Error> {
    let Some(deadline) = deadline else { return Ok(limit) };
    let left = deadline.since(now());
    if left.is_zero() {
        return Err(Error::TimedOut(format!(
            "the step's time was over ({deadline}) before this began: nothing was started"
        )));
    }
    Ok(Some(limit.map_or(left, |limit| limit.min(left))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shorter_time_counts() {
        let soon = now().after(Duration::from_secs(60));
        let left = |limit| time_left(limit, Some(soon)).unwrap().unwrap();
        assert_eq!(left(Some(Duration::from_secs(1))), Duration::from_secs(1));
        assert!(left(Some(Duration::from_secs(100))) <= Duration::from_secs(60));
        assert_eq!(time_left(None, None), Ok(None));
        assert!(matches!(
            time_left(None, Some(Timestamp::from_millis(1))),
            Err(Error::TimedOut(_))
        ));
    }
}
