// How soon a page shows something in a browser on a slow laptop, and what came over the line for it.
//
// `npm run speed` starts the demo; `npm run speed -- ADDRESS USER PASSWORD` asks a node that runs.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

import { openChromium } from "./person.mjs";
import { PROGRAM } from "./schools.mjs";

/** How many times slower the processor is made, as Lighthouse does it for a laptop of few means. */
const SLOWER = 4;
const TIMES = 5;
const PATHS = ["/", "/search", "/search?q=reading+comprehension", "/resources", "/framework"];

async function demo() {
  const process = spawn(PROGRAM, ["demo", "--schools", "3", "--json"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  const pages = await new Promise((resolve, reject) => {
    process.once("exit", (code) => reject(new Error(`the demo ended with ${code}`)));
    createInterface(process.stdout).on("line", (line) => {
      said += line;
      try {
        resolve(JSON.parse(said));
      } catch {
        // More is to come.
      }
    });
  });
  const { page, user_name: user, password } = pages[0];
  return { address: page.replace(/\/$/, ""), user, password, stop: () => process.kill("SIGINT") };
}

/** What the browser measured of the page that is open: milliseconds, a score and bytes. */
function measured() {
  return new Promise((resolve) => {
    let [largest, shift] = [0, 0];
    const observe = (type, each) => new PerformanceObserver((list) => {
      list.getEntries().forEach(each);
    }).observe({ type, buffered: true });
    observe("largest-contentful-paint", (entry) => { largest = entry.startTime; });
    observe("layout-shift", (entry) => { shift += entry.hadRecentInput ? 0 : entry.value; });
    setTimeout(() => {
      const [navigation] = performance.getEntriesByType("navigation");
      const paints = performance.getEntriesByName("first-contentful-paint");
      const bytes = [navigation, ...performance.getEntriesByType("resource")];
      resolve({
        answered: navigation.responseStart,
        first: paints[0]?.startTime ?? Number.NaN,
        largest,
        shift,
        bytes: bytes.reduce((sum, entry) => sum + entry.transferSize, 0),
      });
    }, 500);
  });
}

function median(values) {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)];
}

const [address, user, password] = process.argv.slice(2);
const node = address ? { address, user, password, stop() {} } : await demo();
const browser = await openChromium();
try {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const signing = await context.newPage();
  await signing.goto(`${node.address}/sign-in`);
  await signing.getByLabel("User name").fill(node.user);
  await signing.getByLabel("Password").fill(node.password);
  await signing.getByRole("button", { name: "Sign in" }).click();
  await signing.waitForURL(`${node.address}/`);
  console.log(`first visits with a processor ${SLOWER} times slower; the median of ${TIMES}`);
  console.log("answer after, first and largest paint in ms; layout shift; bytes with everything\n");
  for (const path of PATHS) {
    const runs = [];
    for (let run = 0; run < TIMES; run += 1) {
      const page = await context.newPage();
      const devtools = await context.newCDPSession(page);
      await devtools.send("Network.setCacheDisabled", { cacheDisabled: true });
      await devtools.send("Emulation.setCPUThrottlingRate", { rate: SLOWER });
      await page.goto(`${node.address}${path}`, { waitUntil: "load" });
      runs.push(await page.evaluate(measured));
      await page.close();
    }
    const of = (name, digits) =>
      median(runs.map((run) => run[name])).toFixed(digits).padStart(name === "bytes" ? 10 : 8);
    console.log(
      path.padEnd(36),
      of("answered", 0), of("first", 0), of("largest", 0), of("shift", 3), of("bytes", 0),
    );
  }
} finally {
  await browser.close();
  node.stop();
}
