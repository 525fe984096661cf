// What staff do on the pages of three schools, in a real browser.

import assert from "node:assert/strict";
import { mkdir, readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";

import {
  allPages, colleague, firstSignIn, keyboard, mustBeWellMade, openChromium, PASSWORD, picture,
  PICTURES, readByCamera, sticksOut,
} from "./person.mjs";
import { School, threeSchools } from "./schools.mjs";

const TITLE = "Echo reading in pairs, Year 4";
const ADOPTED = "Echo reading in pairs, Year 4, here as well";

let browser;
let schools;
/** The window of each school's headteacher. */
const heads = new Map();

before(async () => {
  [browser, schools] = await Promise.all([openChromium(), threeSchools()]);
});

after(async () => {
  await browser?.close();
  await Promise.all((schools ?? []).map((school) => school.stop()));
});

async function head(school) {
  if (!heads.has(school)) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    context.setDefaultTimeout(30_000);
    heads.set(school, await context.newPage());
  }
  return heads.get(school);
}

/** Shares the draft that is open, once it was checked, and returns the address of the record. */
async function checkAndShare(page) {
  await page.getByRole("button", { name: "Check and share" }).click();
  await page.getByRole("heading", { name: "Exactly this leaves the school" }).waitFor();
  await page.getByRole("button", { name: "Share", exact: true }).click();
  await page.getByText("Shared with Vale Learning Trust").waitFor();
  return new URL(page.url()).pathname;
}

/** Shares the draft that is open, once it was checked, by the keyboard alone. */
async function sharesByKeyboard(page) {
  const { to, press } = keyboard(page);
  await to(page.getByRole("button", { name: "Check and share" }));
  await press("Enter");
  await page.getByRole("heading", { name: "Exactly this leaves the school" }).waitFor();
  await to(page.getByRole("button", { name: "Share", exact: true }));
  await press("Enter");
  await page.getByText("Shared with Vale Learning Trust").waitFor();
}

/** Fills in figures of two groups of pupils, the first of which did better by so much. */
async function addFigures(page, { mean }) {
  await page.getByText("Add figures").click();
  await page.getByLabel("How did you compare?").selectOption("matched_comparison");
  await page.getByLabel("What was measured?").fill("reading comprehension");
  await page.getByLabel("Area").fill("reading");
  await page.getByLabel("With which test, survey or register?").fill("a published reading test");
  await page.getByLabel("Sort of measure").selectOption("standardised");
  await page.getByLabel("Which way is better?").selectOption("higher_is_better");
  await page.getByLabel("Lowest possible value").fill("69");
  await page.getByLabel("Highest possible value").fill("141");
  await page.getByLabel("Who marked it?").selectOption("external");
  await page.getByLabel("What was put into one group or the other?").selectOption("pupil");
  await page.getByLabel("What did the others have meanwhile?").fill("Guided reading as before.");
  const arms = [["", mean], ["Comparison: ", 100]];
  for (const [which, after] of arms) {
    const field = (label) => {
      const whole = which ? which + label[0].toLowerCase() + label.slice(1) : label;
      return page.getByLabel(whole, { exact: true });
    };
    await field("Pupils at the start").fill("60");
    await field("Pupils with a result at the end").fill("58");
    await field("Mean before").fill("98");
    await field("Standard deviation before").fill("15");
    await field("Mean after").fill(String(after));
    await field("Standard deviation after").fill("15");
  }
}

/** Fills in the five fields of a report in words. */
async function report(page, seen) {
  await page.getByLabel("From", { exact: true }).fill("2026-01-12");
  await page.getByLabel("To", { exact: true }).fill("2026-06-26");
  await page.getByLabel("What did you see?").fill(seen);
  await page.getByLabel("What else may explain it?").fill("A new teacher came in spring.");
  await page.getByLabel("Continue as it is").check();
}

/** How many reports the picture of what schools found shows. */
async function reportsPooled(page, school, record) {
  await page.goto(school.page + record);
  return page.locator("figure svg").count().then(async (pictures) => {
    if (pictures === 0) return 0;
    return page.locator("figure svg").first().evaluate(
      (svg, names) => names.filter((name) => svg.textContent.includes(name)).length,
      schools.map((one) => one.name),
    );
  });
}

/** Opens a page again and again until it is as it must be. */
async function until(what, holds) {
  const end = Date.now() + 60_000;
  for (;;) {
    if (await holds()) return;
    assert.ok(Date.now() < end, what);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

let intervention;

test("the first administrator signs in with the link that init printed, once", async () => {
  for (const school of schools) {
    const page = await head(school);
    await page.goto(school.page);
    assert.match(page.url(), /\/sign-in/);
    await firstSignIn(page, school);
  }
  const [ash] = schools;
  const page = await head(ash);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.goto(`${ash.page}/write`);
  await page.getByLabel("User name").fill("head@school.example");
  await page.getByLabel("Password").fill(`${PASSWORD}s`);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(`${ash.page}/write`);
  await page.goto(ash.firstLink);
  assert.equal(await page.getByLabel("New password").count(), 0);
});

test("an intervention is written, checked and shared, and another school finds it", async () => {
  const [ash, beech] = schools;
  const page = await head(ash);
  await page.goto(`${ash.page}/write`);
  await page.getByRole("button", { name: "Start a new intervention" }).click();
  await page.getByRole("button", { name: "Check and share" }).click();
  await page.getByRole("alert").waitFor();
  await mustBeWellMade(page, "a draft with what is missing");
  await page.getByLabel("Title").fill(TITLE);
  await page.getByLabel("What do you want to see?").fill("More fluent reading by the summer.");
  await page.getByLabel("What is different from what you do already?")
    .fill("Pairs read a text aloud, one after the other, four times a week.");
  await page.getByLabel("How will you know?").fill("The reading lead listens to six pupils a term.");
  await page.getByText("More, if there is more").click();
  await page.getByLabel("What must be kept?").fill("Four times a week\nThe better reader goes first");
  await page.getByLabel("What may be changed?").fill("The text");
  await page.getByLabel("Running").check();
  await page.getByLabel("First day").fill("2026-01-12");
  intervention = await checkAndShare(page);
  await beech.finds(TITLE);

  const other = await head(beech);
  await other.goto(beech.page);
  await other.locator("#q").fill("reading in pairs");
  await other.getByRole("button", { name: "Search" }).click();
  await other.getByRole("link", { name: TITLE }).click();
  await other.getByRole("heading", { name: TITLE }).waitFor();
  await other.getByText("The better reader goes first").first().waitFor();
});

test("what is typed is saved without a button, and is there after the page was left", async () => {
  const page = await head(schools[0]);
  await page.goto(`${schools[0].page}/write`);
  await page.getByRole("button", { name: "Start a new intervention" }).click();
  const draft = page.url();
  const saved = page.waitForResponse((answer) => answer.url().endsWith("/autosave"));
  await page.getByLabel("Title").pressSequentially("Times tables at breakfast");
  assert.ok((await saved).ok());
  await until("the draft is saved", async () => {
    await page.goto(draft);
    return await page.getByLabel("Title").inputValue() === "Times tables at breakfast";
  });
  await page.getByText("Throw this draft away").click();
  await page.getByRole("button", { name: "Throw it away" }).click();
});

test("two schools report with figures, and all three see both in the pooled result", async () => {
  const [ash, beech] = schools;
  let page = await head(ash);
  await page.goto(ash.page + intervention);
  await page.getByRole("button", { name: "Report what came of it" }).click();
  await report(page, "Pupils read on where they had stopped before.");
  await addFigures(page, { mean: 106 });
  await page.locator("#effect").getByText("0.40").first().waitFor();
  await checkAndShare(page);
  for (const school of schools) {
    const window = await head(school);
    await until(`one school's report at ${school.name}`, async () =>
      await reportsPooled(window, school, intervention) === 1);
  }

  page = await head(beech);
  await page.goto(beech.page + intervention);
  await page.getByRole("button", { name: "We are going to try this" }).click();
  await page.getByLabel("Title").fill(ADOPTED);
  await page.getByLabel("As described").check();
  await page.getByLabel("Running").check();
  await page.getByLabel("First day").fill("2026-01-12");
  const adoption = await checkAndShare(page);
  await page.goto(beech.page + adoption);
  await page.getByRole("button", { name: "Report what came of it" }).click();
  await report(page, "The same as at the other school, a little later.");
  await addFigures(page, { mean: 104 });
  await checkAndShare(page);
  for (const school of schools) {
    const window = await head(school);
    await until(`both schools' reports at ${school.name}`, async () =>
      await reportsPooled(window, school, intervention) === 2);
  }
});

test("a column of scores becomes three figures and is neither saved nor sent again", async () => {
  const [ash] = schools;
  const page = await head(ash);
  await page.goto(ash.page + intervention);
  await page.getByRole("button", { name: "Report again" }).click();
  const draft = page.url();
  await page.getByText("Add figures").click();
  await page.getByText("Paste their scores after", { exact: true }).click();
  const sent = [];
  page.on("request", (request) => sent.push(request.postData() ?? ""));
  const column = page.locator("[name='paste.intervention.after']");
  await column.fill("97531\n97533\n97535\n97537");
  await column.blur();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.goto(draft);
  assert.equal(await page.locator("[name='arms.intervention.after.mean']").inputValue(), "97534.00");
  assert.equal(await page.locator("[name='arms.intervention.n']").inputValue(), "4");
  assert.equal((await page.content()).includes("97537"), false);
  await page.getByText("Throw this draft away").click();
  await page.getByRole("button", { name: "Throw it away" }).click();
});

test("finding, adopting and reporting take the keyboard alone", async () => {
  const [, , cedar] = schools;
  const page = await head(cedar);
  await page.goto(cedar.page);
  const { to, choose, type, press } = keyboard(page);
  await to(page.locator("#q"));
  await type("echo reading");
  await press("Enter");
  await page.waitForURL(/\/search/);
  // What is found may be a report on it.
  await to(page.locator("ol.hits h2 a"));
  await press("Enter");
  await to(page.getByRole("button", { name: "We are going to try this" }));
  await press("Enter");
  await choose("type", "As described");
  await choose("state", "running");
  await sharesByKeyboard(page);
});

test("an adoption takes ten clicks at most, and a report of five fields eight", async () => {
  const [ash, , cedar] = schools;
  await cedar.publish(`---
kind: intervention
title: Story maps before writing
subjects: [English]
key_stages: [KS2]
pupil_groups: [disadvantaged]
---
Pupils draw the story before they write it.

## Aim
Longer texts.

## What is different
Ten minutes of drawing.

## Monitoring
The English lead reads six books a term.
`);
  await ash.finds("Story maps before writing");
  const page = await head(ash);
  await page.goto(ash.page);
  let clicks = 0;
  const click = async (locator) => {
    await locator.click();
    clicks += 1;
  };
  await page.locator("#q").fill("writing for disadvantaged pupils");
  await click(page.getByRole("button", { name: "Search" }));
  await click(page.getByRole("link", { name: "Story maps before writing" }));
  await click(page.getByRole("button", { name: "We are going to try this" }));
  await click(page.getByLabel("As described"));
  await click(page.getByLabel("Running"));
  await click(page.getByRole("button", { name: "Check and share" }));
  await click(page.getByRole("button", { name: "Share", exact: true }));
  await page.getByText("Shared with").waitFor();
  assert.ok(clicks <= 10, `${clicks} clicks`);

  clicks = 0;
  const own = page.getByRole("region", { name: "Under way at our school" }).getByRole("link", { name: /Story maps/ });
  await until("what is shared is in progress", async () => {
    await page.goto(ash.page);
    return await own.count() > 0;
  });
  await click(own);
  await click(page.getByRole("button", { name: "Report what came of it" }));
  await report(page, "Texts were longer, and easier to follow.");
  clicks += 1;
  await click(page.getByRole("button", { name: "Check and share" }));
  await click(page.getByRole("button", { name: "Share", exact: true }));
  await page.getByText("Shared with").waitFor();
  assert.ok(clicks <= 8, `${clicks} clicks`);
});

test("where a school wants it, a colleague approves what is shared, and another school finds it",
  async () => {
    const [ash, beech] = schools;
    const page = await head(ash);
    const setting = async (needed) => {
      await page.goto(`${ash.page}/settings`);
      const box = page.getByLabel("What is shared needs a colleague’s approval");
      await box.setChecked(needed);
      await page.locator("form", { has: box }).getByRole("button", { name: "Save" }).click();
      await page.waitForLoadState();
      assert.equal(await box.isChecked(), needed);
    };
    await setting(true);
    const deputy = await colleague(browser, ash, "deputy@school.example", "The deputy", "approver");

    await page.goto(`${ash.page}/write`);
    await page.getByRole("button", { name: "Start a new intervention" }).click();
    await page.getByLabel("Title").fill("Maths talk in pairs");
    await page.getByLabel("What do you want to see?").fill("Pupils explain how they know.");
    await page.getByLabel("What is different from what you do already?").fill("Ten minutes a day.");
    await page.getByLabel("How will you know?").fill("The maths lead listens once a week.");
    await page.getByRole("button", { name: "Check and share" }).click();
    await page.getByRole("heading", { name: "Exactly this leaves the school" }).waitFor();
    assert.equal(await page.getByRole("button", { name: "Share", exact: true }).count(), 0);
    await page.getByRole("button", { name: "Ask for approval" }).click();
    await page.getByText("Waits for a colleague’s approval").waitFor();
    await mustBeWellMade(page, "a draft that waits");

    await deputy.goto(ash.page);
    await deputy.getByText("Waits for your approval").waitFor();
    await picture(deputy, "home-approver");
    await mustBeWellMade(deputy, "the first page of an approver");
    await deputy.getByRole("link", { name: "Maths talk in pairs" }).click();
    await deputy.getByText("Pupils explain how they know.").waitFor();
    await picture(deputy, "approval");
    await mustBeWellMade(deputy, "what waits for approval");
    await deputy.getByLabel("What is to change?").fill("For which year?");
    await deputy.getByRole("button", { name: "Send it back" }).click();
    await deputy.getByText("Nothing waits for your approval.").waitFor();

    await page.goto(`${ash.page}/write`);
    await page.getByText("Sent back").waitFor();
    await page.getByRole("link", { name: "Maths talk in pairs" }).click();
    await page.getByText("For which year?").waitFor();
    await page.getByLabel("Title").fill("Maths talk in pairs, Year 5");
    await page.getByRole("button", { name: "Check and share" }).click();
    await page.getByRole("button", { name: "Ask for approval" }).click();
    await page.getByText("Waits for a colleague’s approval").waitFor();

    await deputy.goto(`${ash.page}/write`);
    await deputy.getByRole("link", { name: "Maths talk in pairs, Year 5" }).click();
    await deputy.getByRole("button", { name: "Approve and share" }).click();
    await deputy.getByText("Shared with Vale Learning Trust").waitFor();
    await beech.finds("Maths talk in pairs, Year 5");
    await deputy.context().close();
    await setting(false);
  });

test("a school joins by the text of its invite, is let in, and is removed", async () => {
  const [ash] = schools;
  const dale = await School.start("Dale Primary");
  schools.push(dale);
  const page = await head(ash);
  await page.goto(`${ash.page}/network`);
  await page.getByRole("link", { name: "Vale Learning Trust" }).click();
  const group = page.url();
  await page.getByRole("button", { name: "Make an invite" }).click();
  const line = (await page.getByLabel("Line to send").inputValue()).trim();
  const code = page.getByRole("img", { name: "QR code of the invite" });
  await code.waitFor();
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    for (const width of [360, 1280]) {
      await page.setViewportSize({ width, height: 900 });
      assert.equal(await readByCamera(code), line, `${colorScheme}, ${width} pixels`);
    }
  }
  await page.emulateMedia({ colorScheme: null });
  await mustBeWellMade(page, "an invite");

  const joining = await head(dale);
  await firstSignIn(joining, dale);
  await joining.goto(`${dale.page}/network`);
  await joining.getByLabel("Invite", { exact: true }).fill(line);
  await joining.getByRole("button", { name: "See what it does" }).click();
  await joining.getByRole("heading", { name: "Join Vale Learning Trust?" }).waitFor();
  await mustBeWellMade(joining, "what joining does");
  await joining.getByRole("button", { name: "Join the group" }).click();
  await joining.getByText("Waiting for Ash Primary").waitFor();

  await page.goto(group);
  await page.getByRole("button", { name: /Let in/ }).click();
  await dale.waits(["search", TITLE], (found) => found.hits?.length > 0);

  await page.goto(group);
  const change = page.getByRole("listitem").filter({ hasText: "Dale Primary" });
  await change.getByText("Change").click();
  await change.getByRole("link", { name: /Remove this school/ }).click();
  await page.getByRole("heading", { name: "Remove Dale Primary?" }).waitFor();
  await mustBeWellMade(page, "what removing a school means");
  await page.getByRole("button", { name: "Remove Dale Primary" }).click();
  await dale.waits(["search", TITLE], (found) => found.hits?.length === 0);
});

test("a PDF that is added is found elsewhere by a phrase inside it, and downloaded", async () => {
  const [ash, , cedar] = schools;
  const page = await head(ash);
  const paper = await page.context().newPage();
  await paper.setContent("<h1>Fen week</h1><p>A bittern booms at dusk among the sedge.</p>");
  const pdf = await paper.pdf();
  await paper.close();
  await page.goto(`${ash.page}/resources`);
  await page.getByRole("link", { name: "Add files" }).click();
  const file = { name: "fen-week.pdf", mimeType: "application/pdf", buffer: pdf };
  await page.getByLabel("Files", { exact: true }).setInputFiles(file);
  await page.getByRole("button", { name: "Add files" }).click();
  // With scripts, one file leads to its draft by itself.
  await page.waitForURL(/\/write\//);
  await page.getByLabel("Title").fill("Fen week");
  await mustBeWellMade(page, "a draft with a file");
  await checkAndShare(page);

  await cedar.finds("Fen week");
  const other = await head(cedar);
  await until("the phrase is found", async () => {
    await other.goto(`${cedar.page}/search?q=${encodeURIComponent('"bittern booms"')}`);
    return await other.getByRole("link", { name: "Fen week" }).count() > 0;
  });
  const said = [];
  other.on("console", (message) => said.push(message.text()));
  await other.getByRole("link", { name: "Fen week" }).click();
  const described = JSON.parse(
    await other.locator('script[type="application/ld+json"]').textContent(),
  );
  assert.deepEqual([described["@type"], described.name], ["LearningResource", "Fen week"]);
  assert.deepEqual(said, [], "the policy of the pages has nothing against data");
  await mustBeWellMade(other, "the page of a resource");
  const coming = other.waitForEvent("download");
  await other.getByRole("link", { name: "fen-week.pdf" }).last().click();
  const downloaded = await readFile(await (await coming).path());
  assert.equal(downloaded.subarray(0, 5).toString(), "%PDF-");
});

test("a folder of files becomes drafts that are checked and shared together, without scripts too",
  async () => {
    const [ash, beech] = schools;
    const page = await head(ash);
    const storageState = await page.context().storageState();
    const text = (name, words) => ({ name, mimeType: "text/plain", buffer: Buffer.from(words) });
    await page.goto(`${ash.page}/resources/add`);
    await page.getByLabel("One for each file").check();
    await page.getByLabel("Files", { exact: true }).setInputFiles([
      text("sedge-week-1.txt", "Draw the sedge by the ditch."),
      text("sedge-week-2.txt", "Write about the sedge."),
      text("sedge-letter.txt", "Ask office@ash.example for the dates."),
    ]);
    await page.getByRole("button", { name: "Add files" }).click();
    await page.getByRole("link", { name: "Check and share them together" }).click();
    await page.getByRole("heading", { name: "Check drafts before sharing them together" }).waitFor();
    await page.getByText("1 cannot be shared yet.").waitFor();
    await mustBeWellMade(page, "drafts to be shared together");

    const plain = await browser.newContext({
      storageState, javaScriptEnabled: false, viewport: { width: 360, height: 800 },
    });
    const bare = await plain.newPage();
    await bare.goto(`${ash.page}/write`);
    await picture(bare, "write-several-360");
    await bare.getByLabel("sedge week 1", { exact: true }).check();
    await bare.getByLabel("sedge letter", { exact: true }).check();
    await bare.getByRole("button", { name: "Check those ticked" }).click();
    await bare.getByText("1 draft can be shared.").waitFor();
    await bare.goto(`${ash.page}/write`);
    await bare.getByRole("button", { name: "Check all that are ready" }).click();
    const chosen = bare.url();
    await bare.getByText("2 drafts can be shared.").waitFor();
    await bare.locator("summary").first().click();
    // As somebody reads it on a phone in the evening, and at a desk.
    for (const [width, colorScheme] of [[360, "dark"], [1280, "light"]]) {
      const context = await browser.newContext({
        storageState, colorScheme, viewport: { width, height: 800 },
      });
      const shown = await context.newPage();
      await shown.goto(`${ash.page}/write`);
      await mustBeWellMade(shown, `a list of several drafts, ${width} pixels`);
      await picture(shown, `write-${width}-${colorScheme}`);
      await shown.goto(chosen);
      await shown.locator("summary").first().click();
      await picture(shown, `several-${width}-${colorScheme}`);
      await mustBeWellMade(shown, `drafts to be shared together, ${width} pixels`);
      await context.close();
    }
    // A colleague changes one of them meanwhile.
    await page.goto(`${ash.page}/write`);
    await page.getByRole("link", { name: "sedge week 2" }).click();
    await page.getByLabel("Title").fill("Sedge, week 2");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.waitForLoadState();
    await bare.getByRole("button", { name: "Share 2 drafts" }).click();
    await bare.getByRole("heading", { name: "1 draft was shared" }).waitFor();
    await bare.getByText("It was changed after the page was shown to you.").waitFor();
    await picture(bare, "several-done-360");
    assert.equal(await sticksOut(bare), false);
    await plain.close();
    await beech.finds("sedge week 1");

    const { to, press } = keyboard(page);
    await page.goto(`${ash.page}/write`);
    await to(page.getByLabel("Sedge, week 2", { exact: true }));
    await press("Space");
    await to(page.getByRole("button", { name: "Check those ticked" }));
    await press("Enter");
    await to(page.getByRole("button", { name: "Share 1 draft" }));
    await press("Enter");
    await page.getByRole("heading", { name: "1 draft was shared" }).waitFor();
    await mustBeWellMade(page, "what was shared together");
    await picture(page, "several-done-1280");
    await beech.finds("Sedge, week 2");
  });

test("a report with figures is changed on its page", async () => {
  const [ash] = schools;
  const page = await head(ash);
  await page.goto(`${ash.page}/search?kind=impact_report&q=stopped+before`);
  await page.locator("ol.hits h2 a").first().click();
  await page.getByRole("button", { name: "Change it" }).click();
  await page.locator("#effect").getByText("0.40").first().waitFor();
  assert.equal(await page.locator("[name='arms.comparison.after.sd']").inputValue(), "15");
  await page.getByText("Add what people did and said").click();
  await page.getByLabel("What did staff say?").fill("Easy to run.");
  await picture(page, "change-report-1280");
  await mustBeWellMade(page, "a report that is changed");
  await page.setViewportSize({ width: 360, height: 800 });
  await picture(page, "change-report-360");
  await mustBeWellMade(page, "a report that is changed, 360 pixels");
  await page.setViewportSize({ width: 1280, height: 900 });
  await checkAndShare(page);
  await page.getByText("Easy to run.").first().waitFor();
});

test("a decision of the framework stands in every school's table", async () => {
  const [ash, beech] = schools;
  const page = await head(ash);
  await page.goto(`${ash.page}/framework`);
  await page.getByRole("button", { name: "Write a framework decision" }).click();
  const field = (name) => page.locator(`[name="${name}"]`);
  await field("title").fill("The framework of the Vale trust");
  await field("practice_policies.0.area").selectOption({ index: 1 });
  await field("practice_policies.0.approach").selectOption("standardised");
  await field("practice_policies.0.rationale").fill("One timetable for all our schools.");
  await field("practice_policies.0.decided_by").fill("The heads' meeting");
  const inAYear = new Date(Date.now() + 365 * 24 * 60 * 60 * 1000).toISOString().slice(0, 10);
  await field("practice_policies.0.review").fill(inAYear);
  await checkAndShare(page);
  const other = await head(beech);
  await until("the decision at another school", async () => {
    await other.goto(`${beech.page}/framework`);
    return await other.getByText("One timetable for all our schools.").count() > 0;
  });
});

test("governors print what was tried in a school year, and it is well made on paper too", async () => {
  const [ash] = schools;
  const page = await head(ash);
  await page.goto(ash.page);
  await page.getByRole("link", { name: "This year at our school" }).click();
  await page.getByRole("navigation", { name: "School years" })
    .getByRole("link", { name: "2025/26" }).click();
  await page.getByRole("heading", { name: TITLE }).waitFor();
  await page.getByText("Pupils read on where they had stopped before.").waitFor();
  await mustBeWellMade(page, "this year at our school");
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.getByText("use your browser’s own").isVisible(), false);
  assert.equal(await page.getByText("Pupils read on where they had stopped").isVisible(), true);
  await mkdir(PICTURES, { recursive: true });
  await page.pdf({ path: path.join(PICTURES, "this-year.pdf"), format: "A4" });
  await page.emulateMedia({ media: null });
});

test("reporting, asking and uploading take the keyboard alone", async () => {
  const [ash, beech, cedar] = schools;
  let page = await head(cedar);
  let hands = keyboard(page);
  await page.goto(cedar.page);
  const own = page.getByRole("region", { name: "Under way at our school" })
    .getByRole("link", { name: /Echo reading/ });
  await hands.to(own);
  await hands.press("Enter");
  await hands.to(page.getByRole("button", { name: "Report what came of it" }));
  await hands.press("Enter");
  await page.waitForURL(/\/write\//);
  for (const [label, text] of [["From", "01122026"], ["To", "06262026"]]) {
    // A field for a day is typed part by part, as the browser's own language has them.
    await hands.to(page.getByLabel(label, { exact: true }));
    await hands.type(text);
  }
  await hands.to(page.getByLabel("What did you see?"));
  await hands.type("Pupils asked for longer texts.");
  await hands.to(page.getByLabel("What else may explain it?"));
  await hands.type("A reading week in spring.");
  await hands.choose("conclusion", "Continue with changes");
  await sharesByKeyboard(page);

  // A question to another school, from the page of its record.
  page = await head(beech);
  hands = keyboard(page);
  await page.goto(beech.page + intervention);
  await hands.to(page.getByRole("button", { name: "Ask or say something" }));
  await hands.press("Enter");
  await hands.choose("type", "A question");
  await hands.to(page.getByLabel("What do you want to say?"));
  await hands.type("How long is one session?");
  await sharesByKeyboard(page);
  const asked = await head(ash);
  await until("the question at the other school", async () => {
    await asked.goto(ash.page);
    return await asked.getByText("How long is one session?").count() > 0;
  });

  page = await head(ash);
  hands = keyboard(page);
  await page.goto(`${ash.page}/resources`);
  await hands.to(page.getByRole("link", { name: "Add files" }));
  await hands.press("Enter");
  await page.waitForURL(/\/resources\/add/);
  const choosing = page.waitForEvent("filechooser");
  await hands.to(page.getByLabel("Files", { exact: true }));
  await hands.press("Enter");
  const text = Buffer.from("Ten questions about a text, to ask each other.");
  await (await choosing).setFiles({ name: "questions.txt", mimeType: "text/plain", buffer: text });
  await hands.to(page.getByRole("button", { name: "Add files" }));
  await hands.press("Enter");
  await page.waitForURL(/\/write\//);
  await hands.to(page.getByLabel("Title"));
  await hands.press("Control+A");
  await hands.type("Questions in pairs");
  await sharesByKeyboard(page);
  await cedar.finds("Questions in pairs");
});

test("a school is invited, and lets itself be let in, by the keyboard alone", async () => {
  const [ash] = schools;
  const elm = await School.start("Elm Primary");
  schools.push(elm);
  let page = await head(ash);
  let hands = keyboard(page);
  await page.goto(`${ash.page}/network`);
  await hands.to(page.getByRole("link", { name: "Vale Learning Trust" }));
  await hands.press("Enter");
  await hands.to(page.getByRole("button", { name: "Make an invite" }));
  await hands.press("Enter");
  const line = (await page.getByLabel("Line to send").inputValue()).trim();

  page = await head(elm);
  hands = keyboard(page);
  await firstSignIn(page, elm);
  await page.goto(`${elm.page}/network`);
  await hands.to(page.getByLabel("Invite", { exact: true }));
  await page.keyboard.insertText(line);
  await hands.to(page.getByRole("button", { name: "See what it does" }));
  await hands.press("Enter");
  await page.getByRole("heading", { name: "Join Vale Learning Trust?" }).waitFor();
  await hands.to(page.getByRole("button", { name: "Join the group" }));
  await hands.press("Enter");
  await page.getByText("Waiting for Ash Primary").waitFor();

  page = await head(ash);
  hands = keyboard(page);
  await page.goto(`${ash.page}/network`);
  await hands.to(page.getByRole("link", { name: "Vale Learning Trust" }));
  await hands.press("Enter");
  await hands.to(page.getByRole("button", { name: /Let in/ }));
  await hands.press("Enter");
  await elm.finds(TITLE);
});

test("the framework is read, decided, excepted from and changed by the keyboard alone", async () => {
  const [ash, beech] = schools;
  const page = await head(beech);
  const { to, type, press } = keyboard(page);
  const field = (name) => page.locator(`[name="practice_policies.0.${name}"]`);
  await page.goto(`${beech.page}/framework`);
  // Past what comes before, to the table, which arrows move where it is wider than the window.
  await to(page.getByRole("link", { name: "Standardised, aligned or left to each school" }));
  await press("Enter");
  const table = page.getByRole("region", { name: "What each group decided, area by area" });
  await to(table);
  await page.setViewportSize({ width: 360, height: 800 });
  const moved = () => table.evaluate((one) => one.scrollLeft);
  await press("ArrowRight");
  await until("the table moves", async () => await moved() > 0);
  await page.setViewportSize({ width: 1280, height: 900 });
  await to(table.getByRole("link", { name: "Vale Learning Trust" }));
  await press("Enter");
  await page.getByRole("heading", { name: "The framework of the Vale trust" }).waitFor();
  await page.goBack();
  await to(page.locator("summary", { hasText: "not decided" }));
  await press("Enter");
  await to(page.getByRole("region", { name: "Areas that no group of ours has decided" }).getByRole("link"));

  // A day is typed part by part, as the browser's own language has them.
  const [year, month, day] = new Date(Date.now() + 300 * 24 * 60 * 60 * 1000).toISOString()
    .slice(0, 10).split("-");
  const inTime = month + day + year;

  // The same area, decided otherwise, with an exception for the school itself.
  await to(page.getByRole("button", { name: "Write a framework decision" }));
  await press("Enter");
  await page.waitForURL(/\/write\//);
  await to(page.getByLabel("Title"));
  await press("Control+A");
  await type("What Beech aligns");
  await to(field("area"));
  await press("ArrowDown");
  await to(field("approach"));
  await type("Aligned");
  await to(field("rationale"));
  await type("Buses decide our timetable.");
  await to(field("decided_by"));
  await type("The governors");
  await to(field("agreed_by"));
  await type("Ash Primary\nBeech Primary");
  await to(field("review"));
  await type(inTime);
  await to(page.locator("summary", { hasText: "xception" }).or(field("exceptions.0.school")));
  if (!await field("exceptions.0.school").isVisible()) await press("Enter");
  await to(field("exceptions.0.school"));
  await type("Beech Primary");
  await to(field("exceptions.0.reason"));
  await type("Until the new bus.");
  await to(field("exceptions.0.until"));
  await type(inTime);
  await sharesByKeyboard(page);
  const record = new URL(page.url()).pathname;
  for (const school of [beech, ash]) {
    const window = await head(school);
    await until(`the clash at ${school.name}`, async () => {
      await window.goto(`${school.page}/framework`);
      return await window.getByText("Decisions clash in 1 area.").count() > 0;
    });
    await window.getByText("Until the new bus.").waitFor();
    await mustBeWellMade(window, "a framework whose decisions clash");
  }

  // It changes its own decision, by the button of its page.
  await page.goto(beech.page + record);
  await to(page.getByRole("button", { name: "Change it" }));
  await press("Enter");
  await page.waitForURL(/\/write\//);
  await to(field("rationale"));
  await press("Control+A");
  await type("Our timetable follows the buses.");
  await sharesByKeyboard(page);
  const window = await head(ash);
  await until("the change at the other school", async () => {
    await window.goto(`${ash.page}/framework`);
    return await window.getByText("Our timetable follows the buses.").count() > 0;
  });
});

test("an administrator makes a backup, and sees which there are", async () => {
  const [ash] = schools;
  const page = await head(ash);
  await page.goto(`${ash.page}/settings`);
  await page.getByText("No backups are made.").waitFor();
  const to = path.join(ash.folder, "backups");
  await mkdir(to);
  await ash.done("backup", "set", "--to", to);
  await page.reload();
  await page.getByText("None is there yet.").waitFor();
  const make = page.getByRole("button", { name: "Make a backup now" });
  await make.click();
  const made = page.getByRole("table", { name: "The backups that are there" });
  await made.waitFor();
  await make.click();
  await until("two backups", async () => await made.locator("tbody tr").count() === 2);
  await ash.done("backup", "check", path.join(to, (await readdir(to))[0]));
});

test("every page is well made on a phone and a desktop, in both themes, and works without scripts",
  async () => {
    const [ash] = schools;
    // So that the weekly e-mail is offered.
    await ash.done(
      "mail", "set", "--server", "127.0.0.1", "--encryption", "none",
      "--from", "staffroom@ash.example", "--domain", "ash.example",
    );
    const storageState = await (await head(ash)).context().storageState();
    const pages = await allPages(browser, storageState, ash.page);
    assert.ok(pages.length >= 12, `only ${pages.map(({ name }) => name).join(", ")}`);
    const plain = await browser.newContext({ storageState, javaScriptEnabled: false });
    const bare = await plain.newPage();
    for (const { address } of pages) {
      const answer = await bare.goto(address);
      assert.ok(answer.ok(), `${address} without scripts: ${answer.status()}`);
      assert.equal(await bare.locator("h1").count(), 1, `${address} without scripts`);
    }
    await plain.close();
    // What a theme changes is the same at each width, and the other way round.
    for (const [width, colorScheme] of [[360, "dark"], [1280, "light"]]) {
      const context = await browser.newContext({
        storageState, colorScheme, viewport: { width, height: 800 },
      });
      const page = await context.newPage();
      for (const { name, address } of pages) {
        await page.goto(address);
        await picture(page, `${name}-${width}-${colorScheme}`);
        await mustBeWellMade(page, `${address}, ${width} pixels, ${colorScheme}`);
      }
      await context.close();
    }
  });
