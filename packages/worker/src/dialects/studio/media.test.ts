import { expect, test } from "vitest";

import { inlineHeaders } from "./media.js";

test.each([
  "page.html",
  "image.svg",
  "code.js",
  "feed.xml",
  "noname",
  "tricky.png.html",
  "png",
  ".png/x",
  "a.PNG.svgz",
  "a.constructor",
  "",
])("%s is saved, not shown", (path) => {
  expect(inlineHeaders(path)).toEqual({});
});

test.each([
  ["a.png", "image/png"],
  ["a.JPEG", "image/jpeg"],
  ["clip.mp4", "video/mp4"],
  ["sound.MP3", "audio/mpeg"],
  ["doc.pdf", "application/pdf"],
  ["ünï cödé.png", "image/png"],
  ["data.json", "application/json"],
  ["folder.html/one.txt", "text/plain; charset=utf-8"],
])("%s is shown as %s", (path, type) => {
  expect(inlineHeaders(path)).toEqual({ "content-type": type, "content-disposition": "inline" });
});
