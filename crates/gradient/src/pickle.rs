use bytes::Bytes;

use crate::error::{Fault, fault};
use crate::gradient::Content;
use crate::limits::Limits;

pub(crate) fn read(_file: &Bytes, _limits: &Limits) -> Result<Content, Fault> {
    fault!("this container cannot be read yet")
}
