//! rsync: a daemon that sends, without compression, and a client that asks for everything.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::{Set, Taken, process, timed};

pub(crate) fn send(set: &Set, from: &Path) -> Option<Taken> {
    Command::new("rsync").arg("--version").stdout(Stdio::null()).status().ok()?;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let to = folder.path().join("to");
    fs::create_dir(&to).expect("a temporary folder takes files");
    let port = TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr()).expect("a port");
    let config = folder.path().join("rsyncd.conf");
    let text = format!(
        "use chroot = no\n[from]\npath = {}\nread only = yes\nuid = root\ngid = root\n",
        from.display()
    );
    fs::write(&config, text).expect("a temporary folder takes files");
    let mut daemon = Command::new("rsync")
        .args(["--daemon", "--no-detach", "--address", "127.0.0.1"])
        .arg(format!("--port={}", port.port()))
        .arg(format!("--config={}", config.display()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("rsync runs");
    while TcpStream::connect(port).is_err() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let (before, client_before) =
        (process::core_seconds(daemon.id()), process::core_seconds(std::process::id()));
    let (seconds, first_byte) = timed(&to, || {
        let status = Command::new("rsync")
            .args(["--recursive", "--whole-file", "--fsync"])
            .arg(format!("rsync://{port}/from/"))
            .arg(&to)
            .status()
            .expect("rsync runs");
        assert!(status.success(), "{status}");
    });
    // The daemon has a child for each client, and takes note of it when it ends.
    std::thread::sleep(Duration::from_millis(500));
    let core_seconds = process::core_seconds(daemon.id()) - before
        + process::core_seconds(std::process::id())
        - client_before;
    drop((daemon.kill(), daemon.wait()));
    assert_eq!(fs::read_dir(&to).expect("a folder").count() as u64, set.count);
    Some(Taken { seconds, first_byte, core_seconds, peak: None })
}
