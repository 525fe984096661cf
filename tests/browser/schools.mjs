// Schools of their own: a data directory and a running node each, on loopback.

import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
export const PROGRAM = process.env.STAFFROOM
  ?? fileURLToPath(new URL("../../target/debug/staffroom", import.meta.url));
const PATIENCE_MS = 60_000;

let started = 0;

/** A school with its node running. */
export class School {
  static async start(name, location) {
    const school = new School();
    school.name = name;
    school.folder = await mkdtemp(path.join(tmpdir(), "staffroom-browser-"));
    school.data = path.join(school.folder, "data");
    const where = location ? ["--location", location] : [];
    const set_up = await school.json("init", "--name", name, ...where);
    const host = `127.2.${process.pid % 250}.${(started += 1)}`;
    const listen = [`/ip4/${host}/udp/4801/quic-v1`, `/ip4/${host}/tcp/4801`];
    school.node = spawn(
      PROGRAM,
      ["serve", "--json", "--until-input-ends", "--data", school.data, "--http", "127.0.0.1:0",
        "--listen", ...listen],
      { stdio: ["pipe", "pipe", "inherit"], env: { ...process.env, STAFFROOM_LOG: "error" } },
    );
    const [line] = await new Promise((resolve, reject) => {
      createInterface(school.node.stdout).once("line", (line) => resolve([line]));
      school.node.once("exit", (code) => reject(new Error(`${name} ended with ${code}`)));
    });
    // Without the slash behind it.
    school.page = JSON.parse(line).page.replace(/\/$/, "");
    // The link that `init` prints is for the usual port.
    school.firstLink = new URL(new URL(set_up.first_link).pathname, school.page).href;
    return school;
  }

  /** What a command prints. */
  async done(...words) {
    const { stdout } = await run(PROGRAM, [...words, "--data", this.data], { cwd: this.folder });
    return stdout;
  }

  /** What a command prints as JSON. */
  async json(...words) {
    return JSON.parse(await this.done(...words, "--json"));
  }

  /** Publishes a record from a text with front matter, and returns its id. */
  async publish(text) {
    const file = path.join(this.folder, `record-${(started += 1)}.md`);
    await writeFile(file, text);
    const published = await this.json("publish", file);
    return published[0].id;
  }

  /** Waits until a command's JSON is as it must be. */
  async waits(words, holds) {
    const until = Date.now() + PATIENCE_MS;
    for (;;) {
      const found = await this.json(...words).catch((error) => ({ error: String(error) }));
      if (holds(found)) return found;
      if (Date.now() > until) {
        throw new Error(`${this.name} ${words.join(" ")}: ${JSON.stringify(found)}`);
      }
      await sleep(100);
    }
  }

  /** Waits until a search finds a title, or one that goes on: a record of the same lineage may stand for it. */
  async finds(title) {
    const isIt = (hit) => hit.title.startsWith(title);
    return this.waits(["search", title], (found) => found.hits?.some(isIt));
  }

  async stop() {
    const ended = new Promise((resolve) => this.node.once("exit", resolve));
    this.node.stdin.end();
    await ended;
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Three schools of one group. */
export async function threeSchools() {
  const schools = [];
  // Two in one street, and one across the fen.
  const places = [
    ["Ash Primary", "Northfen, TF 412 107"],
    ["Beech Primary", "Northfen, TF 413 108"],
    ["Cedar Primary", "Marram, 52.937, 0.316"],
  ];
  for (const [name, location] of places) {
    schools.push(await School.start(name, location));
  }
  const [ash, ...others] = schools;
  const group = "Vale Learning Trust";
  await ash.done("group", "create", group);
  for (const school of others) {
    const { invite } = await ash.json("group", "invite", group);
    await school.done("group", "join", invite);
  }
  return schools;
}
