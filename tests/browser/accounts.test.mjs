// Staff sign in with accounts that they have at a provider, in a real browser.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, beforeEach, test } from "node:test";

import { firstSignIn, mustBeWellMade, openChromium, PASSWORD, picture } from "./person.mjs";
import { Accounts, CLIENT, SECRET } from "./provider.mjs";
import { School } from "./schools.mjs";

const BUTTON = "Sign in with your Vale Trust account";
const LINK = "Link your Vale Trust account";

const people = {
  teacher: { email: "teacher@ash.example", email_verified: true, name: "The reading lead" },
  stranger: { email: "teacher@elsewhere.example", email_verified: true },
  unverified: { email: "deputy@ash.example", email_verified: false },
  head: { email: "head@school.example", email_verified: true },
  leader: { email: "leader@ash.example", email_verified: true, groups: ["leaders", "choir"] },
  invited: { email: "office@school.example", email_verified: true },
};

let browser;
let ash;
let accounts;
let page;

before(async () => {
  [browser, ash] = await Promise.all([openChromium(), School.start("Ash Primary")]);
  accounts = await Accounts.start(`${ash.page}/sign-in/return`, people);
  await firstSignIn(await newPage(), ash);
  await setProvider();
});

beforeEach(async () => {
  page = await newPage();
});

after(async () => {
  await browser?.close();
  await ash?.stop();
  await accounts?.stop();
});

async function newPage() {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  context.setDefaultTimeout(30_000);
  return context.newPage();
}

/** What the command says that lets people of two domains sign in. */
async function setProvider(given = {}) {
  const secret = path.join(ash.folder, "secret");
  await writeFile(secret, `${given.secret ?? SECRET}\n`);
  return ash.done("sign-in-with", "other", "--name", "Vale Trust",
    "--issuer", given.issuer ?? accounts.issuer, "--client-id", CLIENT, "--secret-file", secret,
    "--domain", "ash.example", "--domain", "school.example",
    "--claim", "groups", "--gives", "leaders=contributor", "--gives", "office=administrator");
}

/** Goes to the provider, and chooses an account there. */
async function choose(page, account) {
  await page.getByRole("heading", { name: "Choose an account" }).waitFor();
  await page.getByRole("button", { name: account, exact: true }).click();
}

async function signIn(page, account, { to = "/", button = BUTTON } = {}) {
  await page.goto(`${ash.page}${to}`);
  await page.getByRole("button", { name: button }).click();
  await choose(page, account);
}

async function passwordSignIn(page) {
  await page.goto(`${ash.page}/sign-in`);
  await page.getByLabel("User name").fill("head@school.example");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByText("Signed in as The headteacher").waitFor();
}

/** What a page says that signs nobody in. */
async function refused(page, said) {
  const problem = page.getByRole("alert");
  await problem.waitFor();
  assert.match(await problem.innerText(), said);
  await page.goto(`${ash.page}/me`);
  assert.match(page.url(), /\/sign-in/, "nobody is signed in");
}

async function person(userName) {
  return (await ash.json("person", "list")).find((one) => one.user_name === userName);
}

async function acts() {
  const lines = await ash.json("audit");
  return lines.map(({ who, what, about }) =>
    [who.person ?? who, what, about].filter(Boolean).join(" "));
}

/** Signs in and keeps the browser at the provider: the address to which it would go back. */
async function caught(page, account, where) {
  const address = accounts.catchNext();
  await signIn(page, account, where);
  return address;
}

test("a teacher signs in with the account of the trust, and goes on to what was asked for", async () => {
  await page.goto(`${ash.page}/search?q=reading`);
  await mustBeWellMade(page, "the page for signing in with two ways");
  await picture(page, "sign-in-with");
  const going = page.waitForResponse((answer) => answer.url().endsWith("/sign-in/account"));
  await signIn(page, "teacher", { to: "/search?q=reading" });
  await page.waitForURL(`${ash.page}/search?q=reading`);
  const cookie = (await (await going).allHeaders())["set-cookie"];
  assert.match(cookie, /-away=[^;]{43}; HttpOnly; SameSite=Lax; Path=\/; Max-Age=600/);
  await page.getByText("Signed in as The reading lead").waitFor();
  assert.deepEqual((await person("teacher@ash.example")).roles, ["reader"]);
  const cookies = await page.context().cookies(ash.page);
  assert.ok(!cookies.some(({ name }) => name.endsWith("-away")), "it has served its purpose");
  assert.ok((await acts()).includes("node added a person teacher@ash.example: reader"));

  await page.goto(`${ash.page}/me`);
  assert.equal(await page.getByLabel("Password until now").count(), 0);
  await mustBeWellMade(page, "the page of somebody without a password");
  await page.getByRole("button", { name: "Sign out", exact: true }).click();
  const there = page.getByRole("link", { name: "Sign out of your Vale Trust account" });
  await there.waitFor();
  await mustBeWellMade(page, "the page after signing out");
  assert.match(await there.getAttribute("href"), /^http:\/\/127\.0\.0\.1:\d+\/session\/end$/);
  // On a computer that others use the account before may still be signed in there.
  await signIn(page, "teacher");
  await page.getByText("Signed in as The reading lead").waitFor();
});

test("whoever does not belong to the school is refused, and the log says so", async () => {
  await signIn(page, "stranger");
  await refused(page, /belongs to elsewhere\.example, from which this school lets nobody in/);
  await signIn(page, "unverified");
  await refused(page, /e-mail address of your account has not been verified/);
  await signIn(page, "Turn back");
  await refused(page, /not signed in at Vale Trust.*"access_denied"/);
  assert.equal((await person("deputy@ash.example")), undefined);
  const failed = (await acts()).filter((act) => act.includes("failed to sign in"));
  assert.deepEqual(failed.map((act) => act.replace("nobody failed to sign in ", "")).toSorted(), [
    "an account of another domain", "an account whose e-mail address is not verified",
  ]);
});

test("an address with another state, of another browser, or used before signs nobody in", async () => {
  const address = await caught(page, "teacher");
  const tampered = new URL(address);
  tampered.searchParams.set("state", `${address.searchParams.get("state").slice(1)}x`);
  await page.goto(tampered.href);
  await refused(page, /not begun in this browser/);
  const other = await newPage();
  await other.goto(address.href);
  await refused(other, /not begun in this browser/);
  await page.goto(address.href);
  await page.getByText("Signed in as").waitFor();
  await page.getByRole("button", { name: "Sign out", exact: true }).click();
  await page.goto(address.href);
  await refused(page, /not begun in this browser/);
});

test("a code that was used before gets nothing from the provider", async () => {
  const used = await caught(page, "teacher");
  await page.goto(used.href);
  await page.getByText("Signed in as").waitFor();
  const other = await newPage();
  const address = await caught(other, "teacher");
  address.searchParams.set("code", used.searchParams.get("code"));
  await other.goto(address.href);
  await refused(other, /Vale Trust cannot be asked.*it gave no token for the code/);
});

test("an answer of another issuer, or for another nonce, is refused", async () => {
  const address = await caught(page, "teacher");
  address.searchParams.set("iss", "http://127.0.0.1:1");
  await page.goto(address.href);
  await refused(page, /the answer came from another issuer/);

  await page.route(`${accounts.issuer}/auth?*`, (route) => {
    const changed = new URL(route.request().url());
    changed.searchParams.set("nonce", "chosen-by-somebody-else");
    return route.continue({ url: changed.href });
  });
  await signIn(page, "teacher");
  await refused(page, /its ID token is refused: the nonce is another/);
});

test("an account with the address of a colleague is not the colleague's until it is linked", async () => {
  await signIn(page, "head");
  await refused(page, /head@school\.example has an account at this school already, which is not linked/);
  await passwordSignIn(page);
  await page.goto(`${ash.page}/people`);
  await page.getByText("leaders", { exact: true }).waitFor();
  await mustBeWellMade(page, "the page of people with a provider");
  await picture(page, "people-with-provider");

  await signIn(page, "teacher", { to: "/me", button: LINK });
  await page.getByText("that account is linked to another person").waitFor();
  await signIn(page, "head", { to: "/me", button: LINK });
  await page.getByText("An account that you have elsewhere is linked").waitFor();
  assert.ok((await acts()).includes("head@school.example linked an account of another service"));
  await page.getByRole("button", { name: "Unlink the account" }).click();
  await page.getByRole("button", { name: LINK }).waitFor();
});

test("an account is linked only in the session in which that was begun", async () => {
  await passwordSignIn(page);
  const address = await caught(page, "leader", { to: "/me", button: LINK });
  await page.goto(`${ash.page}/me`);
  await page.getByRole("button", { name: "Sign out", exact: true }).click();
  await passwordSignIn(page);
  await page.goto(address.href);
  await page.getByText("not begun in this browser").waitFor();
  await page.goto(`${ash.page}/me`);
  await page.getByRole("button", { name: LINK }).waitFor();
});

test("a link of an administrator can be used with the account in place of a password", async () => {
  const made = await ash.json("person", "add", "office@school.example", "--name", "The office");
  const link = new URL(new URL(made.link).pathname, ash.page).href;
  await page.goto(link);
  await mustBeWellMade(page, "the page of a link with two ways");
  await page.getByRole("button", { name: BUTTON }).click();
  await choose(page, "invited");
  await page.getByText("Signed in as The office").waitFor();
  await page.goto(link);
  await page.getByText("this link does not work any more").waitFor();
});

test("roles follow what the provider says, and whoever is switched off stays out", async () => {
  await signIn(page, "leader");
  await page.getByText("Signed in as leader@ash.example").waitFor();
  assert.deepEqual((await person("leader@ash.example")).roles, ["reader", "contributor"]);
  people.leader.groups = ["office"];
  const other = await newPage();
  await signIn(other, "leader");
  await other.goto(`${ash.page}/settings`);
  await other.getByRole("heading", { level: 1 }).waitFor();
  assert.deepEqual((await person("leader@ash.example")).roles, ["reader", "administrator"]);
  await page.goto(`${ash.page}/me`);
  assert.match(page.url(), /\/sign-in/, "the session of before has ended");
  const changed = "node changed the roles of a person leader@ash.example: reader, administrator";
  assert.ok((await acts()).includes(changed));

  await ash.done("person", "disable", "leader@ash.example");
  const third = await newPage();
  await signIn(third, "leader");
  await refused(third, /Your account is switched off at this school/);
});

test("the command says what is wrong with a provider, and a node without one offers none", async () => {
  const wrong = (given) => setProvider(given).then(assert.fail, ({ stderr }) =>
    stderr.replace(/\s+/g, " "));
  assert.match(await wrong({ issuer: "http://id.example" }), /is not encrypted/);
  assert.match(await wrong({ issuer: `${accounts.issuer}/other` }), /publishes no settings .*404/);
  assert.match(await wrong({ issuer: accounts.issuer.replace("127.0.0.1", "localhost") }),
    /calls itself another name/);
  assert.match(await wrong({ issuer: "http://127.0.0.1:1" }), /cannot be reached/);
  const set = await ash.json("sign-in-with", "show");
  assert.equal(set.redirect, `${ash.page}/sign-in/return`);
  assert.ok(!JSON.stringify(set).includes(SECRET));

  await setProvider({ secret: "another secret" });
  await signIn(page, "teacher");
  await refused(page, /it gave no token for the code; check the client secret/);
  await ash.done("sign-in-with", "off");
  await page.goto(`${ash.page}/sign-in`);
  assert.equal(await page.getByRole("button", { name: BUTTON }).count(), 0);
});
