// A person at a browser, and what every page must fulfil for them.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

import jsQR from "jsqr";
import { chromium } from "playwright-core";
import { PNG } from "pngjs";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find((one) => existsSync(one));
const AXE = fileURLToPath(new URL("node_modules/axe-core/axe.min.js", import.meta.url));
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/** Where pictures of the pages are written. */
export const PICTURES = fileURLToPath(new URL("../../target/browser/", import.meta.url));

export const PASSWORD = "three short words";

export async function openChromium() {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--disable-background-networking", "--disable-dev-shm-usage"],
  });
}

/** Sets the password with the link that `init` printed, as the first administrator does. */
export async function firstSignIn(page, school) {
  await page.goto(school.firstLink);
  await page.getByLabel("User name").fill("head@school.example");
  await page.getByLabel("Name that colleagues read").fill("The headteacher");
  await page.getByLabel("New password").fill(PASSWORD);
  await page.getByLabel("The same password again").fill(PASSWORD);
  await page.getByRole("button", { name: "Set the password and sign in" }).click();
  await page.waitForURL(`${school.page}/`);
}

/** Adds a person with one role, who sets a password with the link, and is signed in then. */
export async function colleague(browser, school, userName, name, role) {
  const { link } = await school.json("person", "add", userName, "--name", name, "--role", role);
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  context.setDefaultTimeout(30_000);
  const page = await context.newPage();
  await page.goto(new URL(new URL(link).pathname, school.page).href);
  await page.getByLabel("New password").fill(PASSWORD);
  await page.getByLabel("The same password again").fill(PASSWORD);
  await page.getByRole("button", { name: "Set the password and sign in" }).click();
  await page.waitForURL(`${school.page}/`);
  return page;
}

/** Everything on the page that breaks a rule of WCAG 2.2 A or AA, in words. */
export async function violations(page) {
  // The policy of the pages lets no script in from elsewhere, and this one is no part of them.
  await page.evaluate(await readFile(AXE, "utf8"));
  const { violations } = await page.evaluate(
    (rules) => window.axe.run(document, { runOnly: { type: "tag", values: rules } }),
    RULES,
  );
  return violations.map(
    ({ id, help, nodes }) => `${id} (${help}): ${nodes.map((node) => node.html).join(" | ")}`,
  );
}

/** Whether something sticks out to the right, so that a phone scrolls sideways. */
export async function sticksOut(page) {
  return page.evaluate(
    () => document.documentElement.scrollWidth > document.documentElement.clientWidth,
  );
}

/** A picture of the whole page. */
export async function picture(page, name) {
  await mkdir(PICTURES, { recursive: true });
  await page.screenshot({ path: path.join(PICTURES, `${name}.png`), fullPage: true });
}

/** What a phone reads in a picture of a part of a page. */
export async function readByCamera(locator) {
  const { data, width, height } = PNG.sync.read(await locator.screenshot());
  // Dark on light as the standard has it: not every reader tries the other way round.
  return jsQR(new Uint8ClampedArray(data), width, height, { inversionAttempts: "dontInvert" })?.data;
}

/** What must hold of a page that is open, at the width and in the theme that it has. */
export async function mustBeWellMade(page, what) {
  assert.deepEqual(await violations(page), [], `${what} breaks rules of WCAG 2.2`);
  assert.equal(await sticksOut(page), false, `${what} is wider than its window`);
  assert.equal(await page.locator("h1").count(), 1, `${what} has one heading of the first level`);
}

/** Hands on the keyboard alone. */
export function keyboard(page) {
  const MOST = 200;
  const press = (key) => page.keyboard.press(key);
  const type = (text) => page.keyboard.type(text);
  const to = async (locator) => {
    await locator.first().waitFor();
    for (let presses = 0; presses < MOST; presses += 1) {
      if (await locator.evaluateAll((all) => all.includes(document.activeElement))) return;
      await press("Tab");
    }
    assert.fail(`the keyboard does not get to ${locator}`);
  };
  // Tab goes to a group of answers, and arrows go from one to the next.
  const choose = async (name, label) => {
    const answers = page.locator(`input[type=radio][name="${name}"]`);
    await to(answers);
    const chosen = page.getByLabel(label, { exact: true });
    for (let presses = await answers.count(); presses > 0; presses -= 1) {
      await press("ArrowDown");
      if (await chosen.isChecked()) return;
    }
    assert.fail(`the keyboard does not choose ${label}`);
  };
  return { to, choose, type, press };
}

/** The addresses of all pages that links lead to, one of each sort, with a name for its picture. */
export async function allPages(browser, storageState, origin) {
  const EACH = 2;
  const context = await browser.newContext({ storageState });
  const page = await context.newPage();
  const counts = new Map();
  const pages = [];
  const known = new Set();
  const waiting = [];
  const add = (address) => {
    if (!known.has(address)) {
      known.add(address);
      waiting.push(address);
    }
  };
  const sort = (address) => {
    const { pathname, search } = new URL(address);
    const words = pathname.split("/").filter(Boolean).map((word) =>
      /^[0-9a-f]{8,}(@[0-9a-f]+)?$/.test(word) ? "one" : word);
    return (words.join("-") || "home") + (search && words[0] === "search" ? "-results" : "");
  };
  add(`${origin}/`);
  while (waiting.length > 0) {
    const address = waiting.shift();
    const name = sort(address);
    const count = (counts.get(name) ?? 0) + 1;
    if (count > EACH) continue;
    const answer = await page.goto(address).catch(() => null);
    // What is downloaded is no page, and the feed is for other programs.
    if (!answer?.headers()["content-type"]?.startsWith("text/html")) continue;
    assert.ok(answer.ok(), `${address}: ${answer.status()}`);
    counts.set(name, count);
    pages.push({ address, name: `${name}-${count}` });
    const links = await page.locator("a[href]").evaluateAll((all) => all.map((one) => one.href));
    for (const link of links) {
      const { origin: its, pathname } = new URL(link);
      if (its === origin && pathname !== "/language") add(link.replace(/#.*/, ""));
    }
  }
  await context.close();
  return pages;
}
