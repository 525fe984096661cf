//! A person at a browser: keeps the cookie, follows no redirect, and takes every answer as it comes.

use ureq::http::{Response, StatusCode, header};
use ureq::{Agent, Body};

use crate::School;

/// The first administrator of a school in tests.
pub const HEAD: &str = "head@ash.example";

/// With this password.
pub const PASSWORD: &str = "three short words";

/// A browser, in which nobody is signed in to begin with.
#[derive(Debug, Clone)]
pub struct Browser {
    agent: Agent,
    /// Where the pages are, without the `/` behind it.
    pub origin: String,
    /// The cookie of a session, as it is sent.
    pub cookie: Option<String>,
}

impl Browser {
    /// A browser for the pages at an address such as `http://127.0.0.1:4800/`.
    pub fn at(pages: &str) -> Self {
        let agent = Agent::config_builder().http_status_as_error(false).max_redirects(0).build();
        let origin = pages.trim_end_matches('/').to_owned();
        Self { agent: agent.into(), origin, cookie: None }
    }

    /// Opens a path such as `/sign-in`.
    pub fn open(&self, path: &str) -> Response<Body> {
        self.open_with(path, &[])
    }

    /// Opens a path, with further headers.
    pub fn open_with(&self, path: &str, headers: &[(&str, &str)]) -> Response<Body> {
        let mut request = self.agent.get(format!("{}{path}", self.origin));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        request.call().expect("the node answers")
    }

    /// The page at a path, which must be there.
    pub fn page(&self, path: &str) -> String {
        let mut answer = self.open(path);
        let page = answer.body_mut().read_to_string().expect("a page is text");
        assert_eq!(answer.status(), StatusCode::OK, "{path}: {page}");
        page
    }

    /// Sends a form.
    pub fn send(&self, path: &str, form: &[(&str, &str)]) -> Response<Body> {
        self.send_with(path, form, &[])
    }

    /// Sends a form, with further headers.
    pub fn send_with(
        &self,
        path: &str,
        form: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Response<Body> {
        let mut request = self.agent.post(format!("{}{path}", self.origin));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        request.send_form(form.iter().copied()).expect("the node answers")
    }

    /// Sends a form with files, as a browser does: each a name and a content.
    pub fn send_files(
        &self,
        path: &str,
        form: &[(&str, &str)],
        files: &[(&str, &[u8])],
    ) -> Response<Body> {
        const BOUNDARY: &str = "----a-boundary-that-no-test-sends";
        let mut body = Vec::new();
        let mut part = |about: String, content: &[u8]| {
            let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {about}\r\n\r\n");
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        };
        for (name, value) in form {
            part(format!("name=\"{name}\""), value.as_bytes());
        }
        for (name, content) in files {
            let sort = "Content-Type: application/octet-stream";
            part(format!("name=\"files\"; filename=\"{name}\"\r\n{sort}"), content);
        }
        body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        let mut request = self
            .agent
            .post(format!("{}{path}", self.origin))
            .header("Sec-Fetch-Site", "same-origin")
            .header(header::CONTENT_TYPE, format!("multipart/form-data; boundary={BOUNDARY}"));
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        request.send(&body[..]).expect("the node answers")
    }

    /// Sends a form of one of the node's own pages, and returns the path that it leads to.
    pub fn goes_on(&self, path: &str, form: &[(&str, &str)]) -> String {
        let sent = self.send_with(path, form, &[("sec-fetch-site", "same-origin")]);
        let status = sent.status();
        let to = sent.headers().get(header::LOCATION);
        let to = to.map(|to| to.to_str().expect("an address is text").to_owned());
        let page = sent.into_body().read_to_string().expect("a page is text");
        assert_eq!(status, StatusCode::SEE_OTHER, "{path}: {page}");
        to.unwrap_or_else(|| panic!("{path} leads nowhere: {page}"))
    }

    /// Shares a draft whose check finds nothing, and returns the path of its record.
    pub fn shares(&self, draft: &str) -> String {
        let check = self.page(&format!("{draft}/check"));
        let shown = [("shown", value_of(&check, "shown"))];
        let shared = self.goes_on(&format!("{draft}/publish"), &shown);
        assert!(shared.starts_with("/records/"), "{shared}");
        shared
    }

    /// Sends a form and keeps the cookie of the answer.
    pub fn send_and_keep(&mut self, path: &str, form: &[(&str, &str)]) -> Response<Body> {
        let answer = self.send(path, form);
        if let Some(set) = answer.headers().get(header::SET_COOKIE) {
            let set = set.to_str().expect("a cookie is text");
            self.cookie = set.split(';').next().map(str::to_owned);
        }
        answer
    }

    /// Signs in, and says what came of it.
    pub fn sign_in(&mut self, user_name: &str, password: &str) -> StatusCode {
        let form = [("user_name", user_name), ("password", password)];
        self.send_and_keep("/sign-in", &form).status()
    }

    /// Sets a password with a link, and is signed in then.
    pub fn use_link(&mut self, link: &str, names: &[(&str, &str)]) -> Response<Body> {
        let path = link.rsplit_once("/link/").map_or(link, |(_, secret)| secret);
        let form = [&[("password", PASSWORD), ("again", PASSWORD)], names].concat();
        self.send_and_keep(&format!("/link/{path}"), &form)
    }
}

/// The value of a hidden field of a page.
pub fn value_of<'a>(page: &'a str, name: &str) -> &'a str {
    let found = page.split_once(&format!("name=\"{name}\" value=\""));
    let (_, after) = found.unwrap_or_else(|| panic!("no {name} in {page}"));
    after.split('"').next().unwrap_or_default()
}

/// What a browser sends of the form that a page has for a path, where nobody typed anything and no button is
/// pressed that has a name.
pub fn form_of(page: &str, path: &str) -> Vec<(String, String)> {
    let begin = format!("action=\"{path}\" method=");
    let (_, form) = page.split_once(&begin).unwrap_or_else(|| panic!("no {path} in {page}"));
    let form = form.split("</form>").next().unwrap_or_default();
    let mut sent = Vec::new();
    let mut list = String::new();
    for tag in form.split('<').skip(1) {
        let (tag, after) = tag.split_once('>').unwrap_or((tag, ""));
        let attribute = |name: &str| {
            let (_, after) = tag.split_once(&format!(" {name}=\""))?;
            after.split('"').next().map(as_read)
        };
        let name = attribute("name").unwrap_or_default();
        let value = attribute("value").unwrap_or_default();
        let is_tick = tag.contains("type=\"checkbox\"") || tag.contains("type=\"radio\"");
        if tag.starts_with("textarea ") {
            // The end of a line behind the tag is no part of the text.
            let text = as_read(after.strip_prefix('\n').unwrap_or(after));
            sent.push((name, text.replace("\r\n", "\n").replace('\n', "\r\n")));
        } else if tag.starts_with("select ") {
            list = name;
        } else if tag.starts_with("option ") && tag.contains(" selected") {
            sent.push((list.clone(), value));
        } else if tag.starts_with("input ") && (!is_tick || tag.contains(" checked")) {
            sent.push((name, value));
        }
    }
    sent
}

/// A text of a page as somebody reads it.
fn as_read(html: &str) -> String {
    let mut text = html.to_owned();
    for (code, character) in [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'")] {
        text = text.replace(code, character);
    }
    text.replace("&#38;", "&")
}

impl School {
    /// A browser at the pages of the running node, in which the first administrator is signed in.
    pub fn browser(&self) -> Browser {
        let mut browser = Browser::at(self.page());
        let people = self.json(&["person", "list"]);
        let signed_in = if people.as_array().is_some_and(Vec::is_empty) {
            let link = self.json(&["person", "link"])["link"].as_str().map(str::to_owned);
            let names = [("user_name", HEAD), ("name", "The headteacher")];
            browser.use_link(&link.expect("a link"), &names).status()
        } else {
            browser.sign_in(HEAD, PASSWORD)
        };
        assert_eq!(signed_in, StatusCode::SEE_OTHER);
        browser
    }

    /// Adds a person with these roles, who has [`PASSWORD`], and signs in.
    pub fn colleague(&self, user_name: &str, roles: &[&str]) -> Browser {
        let mut arguments = vec!["person", "add", user_name, "--name", user_name];
        arguments.extend(roles.iter().flat_map(|role| ["--role", role]));
        let link = self.json(&arguments)["link"].as_str().map(str::to_owned);
        let mut browser = Browser::at(self.page());
        let used = browser.use_link(&link.expect("a link"), &[]);
        assert_eq!(used.status(), StatusCode::SEE_OTHER);
        browser
    }

    /// The `Authorization` header with which the command line asks the node.
    pub fn bearer(&self) -> String {
        let token = std::fs::read_to_string(self.data().join("api-token")).expect("a token");
        format!("Bearer {}", token.trim())
    }
}
