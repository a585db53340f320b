// What every client here prints: one line of JSON.
import { readFile } from "node:fs/promises";

// The version of a package that is installed beside this file.
export async function version(name) {
  const file = new URL(`node_modules/${name}/package.json`, import.meta.url);
  return `${JSON.parse(await readFile(file)).version} of npm`;
}

// Prints the invoice that `pay` gives, or the error that a user would see.
export async function answer(version, pay) {
  let said;
  try {
    said = { invoice: await pay() };
  } catch (error) {
    said = { error: error.message };
  }
  console.log(JSON.stringify({ version, ...said }));
}
