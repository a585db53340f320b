// A page of another origin in headless Chromium: CHROMIUM LNURL SATOSHI COMMENT.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";

import puppeteer from "puppeteer-core";

import { answer } from "./answer.mjs";

const [chromium, lnurl, satoshi, comment] = process.argv.slice(2);
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript" };

// Serves this folder, the origin of the page.
async function serve() {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    try {
      const file = await readFile(new URL(`.${pathname}`, import.meta.url));
      response.setHeader("Content-Type", TYPES[extname(pathname)] ?? "application/octet-stream");
      response.end(file);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return server;
}

// The statuses that preflights were answered with, as the page's requests go on.
async function watchPreflights(page) {
  const asked = new Set();
  const statuses = [];
  const devtools = await page.createCDPSession();
  devtools.on("Network.requestWillBeSent", ({ requestId, request }) => {
    if (request.method === "OPTIONS") asked.add(requestId);
  });
  devtools.on("Network.responseReceived", ({ requestId, response }) => {
    if (asked.has(requestId)) statuses.push(response.status);
  });
  await devtools.send("Network.enable");
  return statuses;
}

// What the page shows in the end.
async function visit(browser, origin) {
  const page = await browser.newPage();
  const preflights = await watchPreflights(page);
  const wish = new URLSearchParams({ lnurl, satoshi, comment });
  await page.goto(`${origin}/page.html?${wish}`);
  await page.waitForFunction(() =>
    ["invoice", "error"].some((id) => document.getElementById(id).textContent));
  const [invoice, error] = await page.evaluate(() =>
    ["invoice", "error"].map((id) => document.getElementById(id).textContent));
  const picture = error ? "browser-error.png" : "browser-invoice.png";
  await page.screenshot({ path: join(process.env.PICTURES, picture) });
  // A page that needs no preflight would prove less.
  if (preflights.length === 0 || preflights.some((status) => status !== 204)) {
    throw new Error(`preflights were answered by [${preflights}]; the page: ${error}`);
  }
  if (error) throw new Error(error);
  return invoice;
}

const server = await serve();
const browser = await puppeteer.launch({
  executablePath: chromium,
  // A browser that is told through a pipe ends when nobody is left at its other end.
  pipe: true,
  args: [
    // Trusts one key, and refuses all others that no authority vouches for.
    `--ignore-certificate-errors-spki-list=${process.env.TRUSTED_KEY}`,
    // Chromium has no sandbox for root.
    ...(process.getuid() === 0 ? ["--no-sandbox"] : []),
  ],
});
try {
  const origin = `http://127.0.0.1:${server.address().port}`;
  await answer(await browser.version(), () => visit(browser, origin));
} finally {
  await browser.close();
  server.close();
}
