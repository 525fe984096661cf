//! The least there is to do: bytes over a connection, into files, onto the disk.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use crate::{Set, Taken, name_of, process, timed};

pub(crate) fn copy(set: &Set, from: &Path) -> Taken {
    let to = tempfile::tempdir().expect("a temporary folder");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("a port");
    let before = process::core_seconds(std::process::id());
    let (seconds, first_byte) = timed(to.path(), || {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let (mut line, _) = listener.accept().expect("a connection");
                for number in 0..set.count {
                    let mut file = File::open(name_of(from, number)).expect("a file");
                    pass(&mut file, &mut line, set.size);
                }
            });
            let mut line = TcpStream::connect(address).expect("a connection");
            for number in 0..set.count {
                let mut file = File::create(name_of(to.path(), number)).expect("a file");
                pass(&mut line, &mut file, set.size);
                file.sync_all().expect("a disk");
            }
            File::open(to.path()).and_then(|folder| folder.sync_all()).expect("a disk");
        });
    });
    let files = fs::read_dir(to.path()).expect("a folder").count();
    assert_eq!(files as u64, set.count);
    let core_seconds = process::core_seconds(std::process::id()) - before;
    Taken { seconds, first_byte, core_seconds, peak: None }
}

fn pass(from: &mut impl Read, to: &mut impl Write, size: u64) {
    let mut buffer = vec![0; 256 * 1024];
    let mut left = usize::try_from(size).expect("it fits");
    while left > 0 {
        let most = left.min(buffer.len());
        let count = from.read(&mut buffer[..most]).expect("bytes");
        to.write_all(&buffer[..count]).expect("room");
        left -= count;
    }
}
