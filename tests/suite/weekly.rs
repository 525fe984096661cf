//! Staff who asked for it are told by e-mail each Monday what is new.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use staffroom_tests::School;

use crate::{eight_days_later, intervention, running};

/// A letter as a mail server takes it.
#[derive(Debug)]
struct Letter {
    from: String,
    to: Vec<String>,
    content: String,
}

/// A mail server without encryption, as one on the same machine; it refuses whoever says `refused`.
fn mail_server() -> (u16, Receiver<Letter>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (taken, letters) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let taken = taken.clone();
            std::thread::spawn(move || converse(&stream.unwrap(), &taken));
        }
    });
    (port, letters)
}

fn converse(stream: &TcpStream, taken: &Sender<Letter>) {
    let mut lines = BufReader::new(stream).lines();
    let say = |text: &str| write!(&*stream, "{text}\r\n").unwrap();
    let mut letter = Letter { from: String::new(), to: Vec::new(), content: String::new() };
    say("220 mail.alder.example");
    while let Some(Ok(line)) = lines.next() {
        let word = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        match word.as_str() {
            "EHLO" => say("250 mail.alder.example"),
            "MAIL" => {
                letter.from = line;
                say("250 ok");
            }
            "RCPT" if line.contains("refused@") => say("550 there is no such mailbox"),
            "RCPT" => {
                letter.to.push(line);
                say("250 ok");
            }
            "DATA" => {
                say("354 go on");
                for line in lines.by_ref().map_while(Result::ok).take_while(|line| line != ".") {
                    // A dot stands before one that a line begins with (RFC 5321), and a = before a line
                    // break that is none (RFC 2045).
                    let line = line.strip_prefix('.').unwrap_or(&line);
                    match line.strip_suffix('=') {
                        Some(begun) => letter.content += begun,
                        None => letter.content += &format!("{line}\n"),
                    }
                }
                say("250 ok");
            }
            "QUIT" => {
                say("221 bye");
                break;
            }
            _ => say("250 ok"),
        }
    }
    if !letter.content.is_empty() {
        taken.send(letter).unwrap();
    }
}

/// Sets a mail server on this machine, with these options besides.
fn set_mail_server(school: &School, port: u16, options: &[&str]) {
    let port = port.to_string();
    let set = [
        "mail",
        "set",
        "--server",
        "127.0.0.1",
        "--port",
        &port,
        "--from",
        "staffroom@alder.example",
        "--domain",
        "alder.example",
    ];
    school.done(&[&set, options].concat());
}

const UNENCRYPTED: [&str; 2] = ["--encryption", "none"];
const LONG: Duration = Duration::from_secs(60);
const MOMENT: Duration = Duration::from_secs(8);

#[test]
fn whoever_asked_is_told_on_monday_what_came_and_no_longer_once_that_is_stopped() {
    let (port, letters) = mail_server();
    let (mut ash, mut beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    let browser = ash.browser();
    assert!(!browser.page("/me").contains("Weekly e-mail"), "it is offered where it can be sent");
    set_mail_server(&ash, port, &UNENCRYPTED);
    assert!(browser.page("/me").contains("At alder.example"));
    let mut asked = browser.send("/me/weekly", &[("address", "head@elsewhere.example")]);
    assert_eq!(asked.status(), 400);
    let page = asked.body_mut().read_to_string().unwrap();
    assert!(page.contains("is not an e-mail address of alder.example"), "{page}");
    browser.goes_on("/me/weekly", &[("address", "head@alder.example")]);
    assert!(browser.page("/me").contains("What is new goes to head@alder.example"));
    assert!(browser.page("/settings").contains("1 person has the weekly e-mail"));
    // Whose mailbox is gone comes first, and keeps nobody else from being told.
    let colleague = ash.colleague("a.colleague@school.example", &["reader"]);
    colleague.goes_on("/me/weekly", &[("address", "refused@alder.example")]);

    let file = beech.write("acorn.md", intervention("Acorn", "Fluent readers."));
    beech.done(&["publish", file.to_str().unwrap()]);
    ash.finds("acorn", 1);
    // It was asked for after this Monday's had gone.
    assert!(letters.recv_timeout(MOMENT).is_err());

    eight_days_later(&mut [&mut ash, &mut beech]);
    let letter = letters.recv_timeout(LONG).unwrap();
    assert!(letter.from.contains("<staffroom@alder.example>"), "{letter:?}");
    assert_eq!(letter.to.len(), 1);
    assert!(letter.to[0].contains("<head@alder.example>"), "{letter:?}");
    for said in [
        "Subject: What is new in Staffroom at Ash Primary",
        "Auto-Submitted: auto-generated",
        "1 record came from another school:",
        "- Acorn (Intervention, Beech Primary)",
        &format!("{}records/", ash.page()),
        &format!("To stop it, go to {}me", ash.page()),
    ] {
        assert!(letter.content.contains(said), "{said}: {}", letter.content);
    }
    // Once a week, whatever happens to the node.
    ash.stop();
    ash.start();
    assert!(letters.recv_timeout(MOMENT).is_err());

    let browser = ash.browser();
    browser.goes_on("/me/weekly/stop", &[]);
    assert!(browser.page("/settings").contains("1 person has the weekly e-mail"));
    let file = beech.write("bramble.md", intervention("Bramble", "Fluent readers."));
    beech.done(&["publish", file.to_str().unwrap()]);
    ash.finds("bramble", 1);
    ash.stop();
    ash.set_clock(Some("+16d"));
    ash.start();
    assert!(letters.recv_timeout(MOMENT).is_err());
}

#[test]
fn a_mail_server_is_tried_and_what_is_in_the_way_is_said() {
    let (port, letters) = mail_server();
    let ash = running("Ash Primary");
    assert!(ash.done(&["mail", "show"]).contains("No e-mail is sent"));
    let unset = ash.run(&["mail", "test", "head@alder.example"]).error();
    assert!(unset.contains("staffroom mail set"), "{unset}");
    let clear = [
        "mail",
        "set",
        "--server",
        "smtp.alder.example",
        "--encryption",
        "none",
        "--from",
        "staffroom@alder.example",
        "--domain",
        "alder.example",
    ];
    let refused = ash.run(&clear).error();
    assert!(refused.contains("would travel in the clear"), "{refused}");
    set_mail_server(&ash, port, &UNENCRYPTED);
    ash.done(&["mail", "test", "head@alder.example"]);
    let letter = letters.recv_timeout(LONG).unwrap();
    assert!(letter.content.contains("This is a test."), "{letter:?}");
    let elsewhere = ash.run(&["mail", "test", "head@elsewhere.example"]).error();
    assert!(elsewhere.contains("is not an e-mail address of alder.example"), "{elsewhere}");

    let refused = ash.run(&["mail", "test", "refused@alder.example"]).error();
    assert!(refused.contains("there is no such mailbox"), "{refused}");
    assert!(ash.done(&["mail", "show"]).contains("there is no such mailbox"));
    let page = ash.browser().page("/settings");
    assert!(page.contains("there is no such mailbox"), "{page}");

    // A server that offers no encryption is told nothing where some is wanted.
    set_mail_server(&ash, port, &[]);
    let refused = ash.run(&["mail", "test", "head@alder.example"]).error();
    assert!(refused.contains("127.0.0.1 did not take the e-mail"), "{refused}");
    assert!(letters.recv_timeout(MOMENT).is_err());
    let password = ash.write("password.txt", "a secret of ours\n");
    let file = ["--user", "staffroom", "--password-file", password.to_str().unwrap()];
    set_mail_server(&ash, port, &file);
    assert!(!ash.done(&["mail", "show", "--json"]).contains("a secret"), "nobody reads it back");
    ash.done(&["mail", "off"]);
    assert!(ash.done(&["mail", "show"]).contains("No e-mail is sent"));
}
