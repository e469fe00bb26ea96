// A page in a browser that is not Chromium. Playwright drives only its own builds of those, not Debian's, so this one is told what to do
// in the words of WebDriver, whichever way they come to it.

import { once } from "node:events";

import { until } from "./until.js";

/** The name under which WebDriver hands out elements. */
const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";
const ENTER = "\uE007";
/** A page that hangs answers nothing. */
export const ANSWER_MS = 120_000;

/** What WebDriver says while an element, or its page, is not there yet. */
const EARLY = /no such element|stale element|not interactable|not clickable|click intercepted/;

/** @typedef {"goto" | "reload" | "find" | "click" | "type" | "evaluate"} Command */

export class Driven {
  /** @protected The last to be started is the first to go. @type {import("node:child_process").ChildProcess[]} */
  programs = [];

  /** @template {Driven} T @this {new () => T} @returns {Promise<T>} */
  static async open() {
    const driven = new this();
    try {
      await driven.start();
    } catch (error) {
      await driven.close();
      throw error;
    }
    return driven;
  }

  /** Each way to a browser has its own, as `tell` is. */
  async start() {}

  /**
   * @param {Command} _command @param {Record<string, unknown>} [_given] `id` is that of an element @returns {Promise<any>} what it answers
   */
  tell(_command, _given) {
    throw new Error("there is no way to this browser");
  }

  /** @param {string} selector @param {Command} command @param {object} [given] */
  #onElement(selector, command, given) {
    return until(`${selector} takes a ${command}`, async () => {
      try {
        const { [ELEMENT]: id } = await this.tell("find", { using: "css selector", value: selector });
        await this.tell(command, { id, ...given });
        return true;
      } catch (error) {
        if (EARLY.test(String(error))) return false;
        throw error;
      }
    });
  }

  /** @param {string} url */
  goto(url) {
    return this.tell("goto", { url });
  }

  reload() {
    return this.tell("reload");
  }

  /** @param {string} selector */
  click(selector) {
    return this.#onElement(selector, "click");
  }

  /** @param {string} selector @param {string} text */
  type(selector, text) {
    return this.#onElement(selector, "type", { text });
  }

  /** Writes into the composer and presses Enter. @param {string} text */
  say(text) {
    return this.type("#message", text + ENTER);
  }

  /** @param {string} script the body of a function */
  evaluate(script) {
    return this.tell("evaluate", { script, args: [] });
  }

  async close() {
    for (const program of this.programs.reverse()) {
      if (program.exitCode !== null || program.signalCode !== null) continue;
      const gone = once(program, "exit");
      program.kill();
      await gone;
    }
  }
}
