// The claim that a chat is one in an engine other than Chromium's, too.

import { claim } from "./claim.js";
import { endForBoth, enter, message, say } from "./flows.js";
import { until, untilIs } from "./until.js";

/** The texts of all messages. */
const TEXTS = `return [...document.querySelectorAll("#chat:not([data-opening]) .text")].map((text) => text.textContent)`;

/** @param {string} name what people call the browser @param {() => Promise<import("./driven.js").Driven>} open */
export function claimEngine(name, open) {
  claim(`somebody with ${name} and somebody with Chromium talk in an encrypted chat, also after it is loaded again, to its end`, async ({ person, server }) => {
    const anny = await person();
    anny.expectStatus(410);
    const abhi = await open();
    try {
      const said = (/** @type {string[]} */ texts) => untilIs("what was said", () => abhi.evaluate(TEXTS), texts);
      await abhi.goto(`${server.origin}/`);
      await abhi.type("#user-one", "Abhi");
      await abhi.type("#user-two", "Anny");
      await abhi.click("#register button.primary:enabled");
      const link = await until("the link", () => abhi.evaluate(`return document.querySelector("#link")?.value.includes("#v1.") && document.querySelector("#link").value`));
      await abhi.click("main a.primary");
      await enter(anny, link);
      await say(anny.page, "Hello from Chromium");
      await said(["Hello from Chromium"]);
      await abhi.say(`Hello from ${name}`);
      await message(anny.page, `Hello from ${name}`).waitFor();
      await until("it is seen", () => abhi.evaluate(`return document.querySelector(".mine .tick-word").textContent === "Seen"`));
      for (let time = 0; time < 3; time++) {
        await abhi.reload();
        await said(["Hello from Chromium", `Hello from ${name}`]);
      }
      await say(anny.page, "Still there?");
      await said(["Hello from Chromium", `Hello from ${name}`, "Still there?"]);
      await endForBoth(anny.page);
      await until("the end is told", () => abhi.evaluate(`return document.body.innerText.includes("The chat has ended")`));
      await untilIs("what is left", () => abhi.evaluate("return localStorage.length + sessionStorage.length"), 0);
    } finally {
      await abhi.close();
    }
  });
}
