//! What is wrong is refused with an error that says what to do, and nothing held is lost.
