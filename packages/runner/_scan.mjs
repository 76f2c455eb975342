var __create = Object.create;
var __defProp = Object.defineProperty;
var __getOwnPropDesc = Object.getOwnPropertyDescriptor;
var __getOwnPropNames = Object.getOwnPropertyNames;
var __getProtoOf = Object.getPrototypeOf;
var __hasOwnProp = Object.prototype.hasOwnProperty;
var __commonJS = (cb, mod) => function __require() {
  try {
    return mod || (0, cb[__getOwnPropNames(cb)[0]])((mod = { exports: {} }).exports, mod), mod.exports;
  } catch (e) {
    throw mod = 0, e;
  }
};
var __copyProps = (to, from, except, desc) => {
  if (from && typeof from === "object" || typeof from === "function") {
    for (let key of __getOwnPropNames(from))
      if (!__hasOwnProp.call(to, key) && key !== except)
        __defProp(to, key, { get: () => from[key], enumerable: !(desc = __getOwnPropDesc(from, key)) || desc.enumerable });
  }
  return to;
};
var __toESM = (mod, isNodeMode, target) => (target = mod != null ? __create(__getProtoOf(mod)) : {}, __copyProps(
  // If the importer is in node compatibility mode or this is not an ESM
  // file that has been converted to a CommonJS file using a Babel-
  // compatible transform (i.e. "__esModule" has not been set), then set
  // "default" to the CommonJS "module.exports" for node compatibility.
  isNodeMode || !mod || !mod.__esModule ? __defProp(target, "default", { value: mod, enumerable: true }) : target,
  mod
));

// node_modules/ignore/index.js
var require_ignore = __commonJS({
  "node_modules/ignore/index.js"(exports, module) {
    function makeArray(subject) {
      return Array.isArray(subject) ? subject : [subject];
    }
    var UNDEFINED = void 0;
    var EMPTY = "";
    var SPACE = " ";
    var ESCAPE = "\\";
    var REGEX_LITERAL_SPECIAL = /[.*+?()[\]{}^$|\\/]/;
    var BOM = "\uFEFF";
    var REGEX_ANCHORED_GLOBSTAR = /^\/\*{2,}$/;
    var REGEX_REPLACE_LEADING_EXCAPED_EXCLAMATION = /^\\!/;
    var REGEX_REPLACE_LEADING_EXCAPED_HASH = /^\\#/;
    var REGEX_SPLITALL_CRLF = /\r?\n/g;
    var DOUBLE_SLASH = "//";
    var SLASH_CODE = 47;
    var DOT_CODE = 46;
    var SLASH2 = "/";
    var TMP_KEY_IGNORE = "node-ignore";
    if (typeof Symbol !== "undefined") {
      TMP_KEY_IGNORE = /* @__PURE__ */ Symbol.for("node-ignore");
    }
    var KEY_IGNORE = TMP_KEY_IGNORE;
    var define = (object, key, value) => {
      Object.defineProperty(object, key, { value });
      return value;
    };
    var RETURN_FALSE = () => false;
    var POSIX_CLASSES = {
      alnum: "0-9A-Za-z",
      alpha: "A-Za-z",
      blank: " \\t",
      cntrl: "\\x00-\\x1f\\x7f",
      digit: "0-9",
      graph: "!-.0-~",
      lower: "a-z",
      print: " -.0-~",
      punct: "!-.:-@\\[-`{-~",
      // git's `sane-ctype.h` classifies \v and \f as control, not space,
      //   unlike C's `isspace`
      space: " \\t\\n\\r",
      upper: "A-Z",
      xdigit: "0-9A-Fa-f"
    };
    var CLASS_MEMBERS_TO_ESCAPE = "\\]^-[";
    var escapeMember = (char) => CLASS_MEMBERS_TO_ESCAPE.indexOf(char) < 0 ? char : ESCAPE + char;
    var NON_SLASH = "(?!\\/)";
    var classSource = (negated, body) => {
      if (negated) {
        return `[^\\/${body}]`;
      }
      const source = `[${body}]`;
      return new RegExp(source).test("/") ? NON_SLASH + source : source;
    };
    var scanBracket = (pattern, start) => {
      const { length } = pattern;
      let index = start + 1;
      let negated = EMPTY;
      const lead = pattern[index];
      if (lead === "!" || lead === "^") {
        negated = "^";
        index++;
      }
      let body = EMPTY;
      let prev = EMPTY;
      for (; ; ) {
        const char = pattern[index];
        if (char === UNDEFINED) {
          return null;
        }
        if (char === ESCAPE) {
          const escaped = pattern[++index];
          body += escapeMember(escaped);
          prev = escaped;
        } else if (char === "-" && prev && index + 1 < length && pattern[index + 1] !== "]") {
          index++;
          let to = pattern[index];
          if (to === ESCAPE) {
            to = pattern[index += 1];
          }
          if (prev <= to) {
            body += `-${escapeMember(to)}`;
          }
          prev = EMPTY;
        } else if (char === "[" && pattern[index + 1] === ":") {
          const nameStart = index + 2;
          let end = nameStart;
          while (end < length && pattern[end] !== "]") {
            end++;
          }
          if (end === length) {
            return null;
          }
          if (end > nameStart && pattern[end - 1] === ":") {
            const name = pattern.slice(nameStart, end - 1);
            if (!Object.prototype.hasOwnProperty.call(POSIX_CLASSES, name)) {
              return null;
            }
            body += POSIX_CLASSES[name];
            prev = EMPTY;
            index = end;
          } else {
            body += escapeMember("[");
            prev = "[";
            index = nameStart - 2;
          }
        } else {
          body += escapeMember(char);
          prev = char;
        }
        index++;
        if (pattern[index] === "]") {
          return {
            end: index,
            source: classSource(negated, body)
          };
        }
      }
    };
    var NEVER_MATCH = "[]";
    var PLACEHOLDER = "\0";
    var REGEX_RESTORE_PLACEHOLDER = new RegExp(
      `${PLACEHOLDER}(\\d+)${PLACEHOLDER}`,
      "g"
    );
    var TRAILING_WILDCARD = "\uE000";
    var TRAILING_DOUBLESTAR = "\uE001";
    var isReserved = (char) => char === PLACEHOLDER || char === TRAILING_WILDCARD || char === TRAILING_DOUBLESTAR;
    var extractBrackets = (pattern) => {
      const sources = [];
      const hold = (source) => `${PLACEHOLDER}${sources.push(source) - 1}${PLACEHOLDER}`;
      const { length } = pattern;
      let out = EMPTY;
      let index = 0;
      while (index < length) {
        const char = pattern[index];
        if (char === ESCAPE) {
          const escaped = pattern[index + 1];
          if (escaped === SLASH2 && index + 2 === length) {
            out += hold(NEVER_MATCH);
          } else if (escaped === "*" || escaped === "[" || escaped === SPACE) {
            out += pattern.slice(index, index + 2);
          } else {
            out += hold(
              REGEX_LITERAL_SPECIAL.test(escaped) ? ESCAPE + escaped : isReserved(escaped) ? `[${escaped}]` : escaped
            );
          }
          index += 2;
        } else if (isReserved(char)) {
          out += hold(`[${char}]`);
          index++;
        } else if (char === "[") {
          const scanned = scanBracket(pattern, index);
          if (scanned === null) {
            out += hold(NEVER_MATCH);
            index = length;
          } else {
            out += hold(scanned.source);
            index = scanned.end + 1;
          }
        } else {
          out += char;
          index++;
        }
      }
      return {
        source: out,
        sources
      };
    };
    var DIRECT = null;
    var REGEX_INNER_SLASH = /\/(?!$)/;
    var WILDCARD = "[^\\/]*";
    var REPLACERS = [
      // Replace (\ ) with ' '
      // Only a space: an escaped tab or other whitespace is already a literal by
      //   the time it reaches here, and a bare tab must be left as one, not turned
      //   into a space.
      // (\ ) -> ' '
      // (\\ ) -> '\\ '
      // (\\\ ) -> '\\ '
      [
        // A run of backslashes is taken whole, from its first one, so no match
        //   ever starts again inside it -- `(\\+?) ` did, which made a long run
        //   quadratic.
        /(\\+)( ?)/g,
        (_, run, space) => space ? run.slice(0, run.length - run.length % 2) + SPACE : run,
        ESCAPE + SPACE
      ],
      // git's wildmatch() reads a run of two or more asterisks as one globstar
      //   whenever the run fills a path segment: it starts the pattern or follows
      //   a `/`, and it ends the pattern or comes before a `/`. A run of two is
      //   already `**`; a longer one is folded into `**` here, so the steps
      //   below only ever have to know `**`.
      // `***/foo` -> `**/foo`, `a/***/b` -> `a/**/b`, `a/***` -> `a/**`
      // git also takes a run beside a literal prefix (`a***/b`) or beside an
      //   escaped slash (`***\/b`) as a globstar, and this does not; the README
      //   lists both, under "A run of asterisks".
      [
        /(^|\/)\*{3,}(?=\/|$)/g,
        (_, start) => `${start}**`,
        "*"
      ],
      // Escape metacharacters
      // which is written down by users but means special for regular expressions.
      // > There are 12 characters with special meanings:
      // > - the backslash \,
      // > - the caret ^,
      // > - the dollar sign $,
      // > - the period or dot .,
      // > - the vertical bar or pipe symbol |,
      // > - the question mark ?,
      // > - the asterisk or star *,
      // > - the plus sign +,
      // > - the opening parenthesis (,
      // > - the closing parenthesis ),
      // > - and the opening square bracket [,
      // > - the opening curly brace {,
      // > These special characters are often called "metacharacters".
      [
        /[\\$.|*+(){^]/g,
        (match) => `\\${match}`
      ],
      [
        // > a question mark (?) matches a single character
        /(?!\\)\?/g,
        () => "[^/]",
        "?"
      ],
      // leading slash
      [
        // > A leading slash matches the beginning of the pathname.
        // > For example, "/*.c" matches "cat-file.c" but not "mozilla-sha1/sha1.c".
        // A leading slash matches the beginning of the pathname
        /^\//,
        () => "^",
        SLASH2
      ],
      // replace special metacharacter slash after the leading slash
      [
        /\//g,
        () => "\\/",
        SLASH2
      ],
      [
        // > A leading "**" followed by a slash means match in all directories.
        // > For example, "**/foo" matches file or directory "foo" anywhere,
        // > the same as pattern "foo".
        // > "**/foo/bar" matches file or directory "bar" anywhere that is directly
        // >   under directory "foo".
        // Notice that the '*'s have been replaced as '\\*'
        /^\^*(?:\\\*\\\*\\\/)+/,
        // '**/foo' <-> 'foo'
        () => "(?:^|\\/)",
        "*"
      ],
      // starting
      [
        // there will be no leading '/'
        //   (which has been replaced by section "leading slash")
        // If starts with '**', adding a '^' to the regular expression also works
        DIRECT,
        (source, pattern) => {
          if (!source || source[0] === "^" || source[0] === "(") {
            return source;
          }
          const anchor = !REGEX_INNER_SLASH.test(pattern) ? "(?:^|\\/)" : "^";
          return anchor + source;
        }
      ],
      // two globstars
      [
        // Use lookahead assertions so that we could match more than one `'/**'`
        /\\\/\\\*\\\*(?=\\\/|$)/g,
        // Zero, one or several directories
        // should not use '*', or it will be replaced by the next replacer
        // Check if it is not the last `'/**'`
        (_, index, str) => index + 6 < str.length ? str.slice(index + 6) === "\\/" ? "(?:\\/[^\\/]+)+" : "(?:\\/[^\\/]+)*" : `\\/${TRAILING_DOUBLESTAR}`,
        "*"
      ],
      // normal intermediate wildcards
      [
        // Never replace escaped '*'
        // ignore rule '\*' will match the path '*'
        // 'abc.*/' -> go
        // 'abc.*'  -> skip this rule,
        //    coz trailing single wildcard will be handed by [trailing wildcard]
        /(^|[^\\])(?:\\\*)+(?!$)/g,
        // '*.js' matches '.js'
        // '*.js' doesn't match 'abc'
        // 1. An asterisk "*" matches anything except a slash.
        // 2. Other consecutive asterisks are considered regular asterisks
        //    and collapse into one non-slash wildcard run.
        (_, p1) => p1 + WILDCARD,
        "*"
      ],
      // trailing wildcard, held apart from a literal star
      [
        // The step above leaves a trailing `*` alone, so a single `\*` is all that
        //   can be left at the end here, and what stands in front of it says which
        //   kind it is. A wildcard arrives as the escaper wrote it, `\*` with
        //   nothing before it; a literal arrives as the user's own escape, which
        //   the escaper doubled, and then the star's own -- `\\` and then `\*`.
        //   There is no third case: every backslash still reaching the chain is
        //   one `\*`, `\[` or `\ ` carries itself, and each is followed by its
        //   own character, so a longer run can never form. This runs while the
        //   two are still distinct, before the unescape steps below collapse the
        //   literal onto the very `\*` a wildcard leaves behind.
        /(^|[^\\])((?:\\\\)*)\\\*$/,
        (match, p1, p2) => p2 === EMPTY ? p1 + TRAILING_WILDCARD : match,
        "*"
      ],
      [
        // unescape, revert step 3 except for back slash
        // For example, if a user escape a '\\*',
        // after step 3, the result will be '\\\\\\*'
        /\\\\\\(?=[$.|*+(){^])/g,
        () => ESCAPE,
        ESCAPE + ESCAPE
      ],
      [
        // '\\\\' -> '\\'
        /\\\\/g,
        () => ESCAPE,
        ESCAPE + ESCAPE
      ],
      [
        // Every real bracket expression -- POSIX classes included -- has already
        //   been held aside by `extractBrackets`, so the only `[` left in the
        //   pattern is an escaped, literal one.
        // A backslash could only stand at the end of the range if it quoted the
        //   `]`, and `\]` is held aside long before this.
        /\\\[([^\]/]*?)($|\])/g,
        // '\\[bar]' -> '\\\\[bar]'
        (match, range, close) => `\\[${range}${close}`,
        "["
      ],
      // ending
      [
        // 'js' will not match 'js.'
        // 'ab' will not match 'abc'
        DIRECT,
        // WTF!
        // https://git-scm.com/docs/gitignore
        // changes in [2.22.1](https://git-scm.com/docs/gitignore/2.22.1)
        // which re-fixes #24, #38
        // > If there is a separator at the end of the pattern then the pattern
        // > will only match directories, otherwise the pattern can match both
        // > files and directories.
        // 'js*' will not match 'a.js'
        // 'js/' will not match 'a.js'
        // 'js' will match 'a.js' and 'a.js/'
        (source) => {
          const last = source[source.length - 1];
          if (!last || last === TRAILING_WILDCARD || last === TRAILING_DOUBLESTAR) {
            return source;
          }
          return last === SLASH2 ? `${source}$` : `${source}(?=$|\\/$)`;
        }
      ]
    ];
    var REGEX_REPLACE_TRAILING_WILDCARD = /(^|\\\/)?\uE000$/;
    var MODE_IGNORE = "regex";
    var MODE_CHECK_IGNORE = "checkRegex";
    var UNDERSCORE = "_";
    var replaceTrailingWildcard = (_, p1) => {
      const prefix = p1 ? `${p1}[^/]+` : "[^/]*";
      return `${prefix}(?=$|\\/$)`;
    };
    var REGEX_REPLACE_TRAILING_DOUBLESTAR = /\uE001$/;
    var replaceTrailingDoublestar = () => "[\\s\\S]";
    var separatorAfter = (run, at) => {
      let separator = EMPTY;
      for (let index = at + 1; index < run.length && !run[index].wildcard; index++) {
        separator += run[index].single;
      }
      return separator;
    };
    var pinWildcards = (source) => {
      if (source.indexOf(WILDCARD) < 0) {
        return source;
      }
      const tokens = [];
      const { length } = source;
      let index = 0;
      while (index < length) {
        const char = source[index];
        if (source.startsWith(WILDCARD, index)) {
          tokens.push({ wildcard: true });
          index += WILDCARD.length;
        } else if (char === "[") {
          let end = index + 1;
          if (source[end] === "^") {
            end++;
          }
          if (source[end] === "]") {
            end++;
          }
          while (end < length && source[end] !== "]") {
            end += source[end] === ESCAPE ? 2 : 1;
          }
          end++;
          tokens.push({ single: source.slice(index, end) });
          index = end;
        } else if (char === ESCAPE) {
          tokens.push({ single: source.slice(index, index + 2) });
          index += 2;
        } else if (char === "(") {
          let depth = 0;
          let end = index;
          do {
            if (source[end] === ESCAPE) {
              end++;
            } else if (source[end] === "(") {
              depth++;
            } else if (source[end] === ")") {
              depth--;
            }
            end++;
          } while (end < length && depth > 0);
          if ("*+?".indexOf(source[end]) >= 0) {
            end++;
          }
          tokens.push({ boundary: source.slice(index, end) });
          index = end;
        } else if (char === "^" || char === "$") {
          tokens.push({ boundary: char });
          index++;
        } else {
          tokens.push({ single: char });
          index++;
        }
      }
      let out = EMPTY;
      let run = [];
      const flush = () => {
        let lastWildcard;
        run.forEach((token, at) => {
          if (token.wildcard) {
            lastWildcard = at;
          }
        });
        run.forEach((token, at) => {
          if (!token.wildcard) {
            out += token.single;
            return;
          }
          out += at === lastWildcard ? WILDCARD : `(?:(?!${separatorAfter(run, at)})[^\\/])*`;
        });
        run = [];
      };
      tokens.forEach((token) => {
        if (token.boundary === void 0) {
          run.push(token);
          return;
        }
        flush();
        out += token.boundary;
      });
      flush();
      return out;
    };
    var makeRegexPrefix = (pattern) => {
      if (REGEX_ANCHORED_GLOBSTAR.test(pattern)) {
        pattern = "**";
      }
      const { source, sources } = extractBrackets(pattern);
      const replaced = REPLACERS.reduce(
        // A pass whose matcher finds nothing hands back the very string it was
        //   given, so asking first costs a search and saves a rewrite. Ten of the
        //   fifteen passes never fire for a typical .gitignore line, and between
        //   them they were 45% of this chain.
        (prev, [matcher, replacer, required]) => {
          if (matcher === DIRECT) {
            return replacer(prev, pattern);
          }
          if (required !== UNDEFINED && prev.indexOf(required) < 0) {
            return prev;
          }
          return matcher.test(prev) ? prev.replace(matcher, replacer.bind(pattern)) : prev;
        },
        source
      );
      return sources.length ? replaced.replace(
        REGEX_RESTORE_PLACEHOLDER,
        (match, index) => sources[index]
      ) : replaced;
    };
    var checkSourceOf = (body, prefix) => {
      if (body[body.length - 1] === SLASH2) {
        prefix = makeRegexPrefix(body.slice(0, -1));
      }
      const head = prefix.slice(0, -1);
      const last = prefix[prefix.length - 1];
      return last === TRAILING_WILDCARD ? `${head}$` : last === TRAILING_DOUBLESTAR ? head : NEVER_MATCH;
    };
    var matchesBasename = (body) => {
      const index = body.indexOf(SLASH2);
      return index < 0 || index === body.length - 1;
    };
    var basenameOf = (path) => {
      const end = path.length - 1;
      const index = path.lastIndexOf(
        SLASH2,
        path[end] === SLASH2 ? end - 1 : end
      );
      return index < 0 ? path : path.slice(index + 1);
    };
    var parentOf2 = (path) => {
      if (path.charCodeAt(0) === SLASH_CODE || path.indexOf(DOUBLE_SLASH) >= 0) {
        const slices = path.split(SLASH2).filter(Boolean);
        slices.pop();
        return slices.length ? slices.join(SLASH2) + SLASH2 : EMPTY;
      }
      const end = path.length - 1;
      const cut = path.lastIndexOf(
        SLASH2,
        path.charCodeAt(end) === SLASH_CODE ? end - 1 : end
      );
      return cut < 0 ? EMPTY : path.slice(0, cut + 1);
    };
    var isString = (subject) => typeof subject === "string";
    var checkPattern = (pattern) => pattern && isString(pattern);
    var splitPattern = (pattern) => (pattern[pattern.length - 1] === "\r" ? pattern.slice(0, -1) : pattern).split(REGEX_SPLITALL_CRLF).filter(Boolean);
    var IgnoreRule = class {
      constructor(pattern, mark, body, ignoreCase, negative, prefix) {
        this.pattern = pattern;
        this.mark = mark;
        this.negative = negative;
        define(this, "body", body);
        define(this, "ignoreCase", ignoreCase);
        define(this, "regexPrefix", prefix);
      }
      // Worked out on first use and kept behind an own property, the way `regex`
      //   caches itself in `_regex`. Deciding it in the constructor instead would
      //   add a fourth `defineProperty` to every rule ever built, which cost 4% of
      //   every compile -- including the compiles of rules that are never matched
      //   against anything.
      get _basenameOnly() {
        return define(this, "_basenameOnly", matchesBasename(this.body));
      }
      get regex() {
        const key = UNDERSCORE + MODE_IGNORE;
        if (this[key]) {
          return this[key];
        }
        return this._make(MODE_IGNORE, key);
      }
      get checkRegex() {
        const key = UNDERSCORE + MODE_CHECK_IGNORE;
        if (this[key]) {
          return this[key];
        }
        return this._make(MODE_CHECK_IGNORE, key);
      }
      _make(mode, key) {
        const str = pinWildcards(
          mode === MODE_IGNORE ? this.regexPrefix.replace(REGEX_REPLACE_TRAILING_WILDCARD, replaceTrailingWildcard).replace(REGEX_REPLACE_TRAILING_DOUBLESTAR, replaceTrailingDoublestar) : checkSourceOf(this.body, this.regexPrefix)
        );
        const regex = this.ignoreCase ? new RegExp(str, "i") : new RegExp(str);
        return define(this, key, regex);
      }
    };
    var hasTrailingBackslash = (str) => {
      let count = 0;
      while (str[str.length - count - 1] === ESCAPE) {
        count++;
      }
      return count % 2 === 1;
    };
    var trimEnd = (body, stripLineEnd) => {
      let lineEnd = body.length;
      let end;
      for (; ; ) {
        if (stripLineEnd && body[lineEnd - 1] === "\r") {
          lineEnd--;
        }
        end = lineEnd;
        while (body[end - 1] === SPACE) {
          end--;
        }
        if (!stripLineEnd || body[end - 1] !== "\n") {
          break;
        }
        lineEnd = end - 1;
      }
      if (end === lineEnd) {
        return body.slice(0, lineEnd);
      }
      let backslashes = 0;
      while (body[end - backslashes - 1] === ESCAPE) {
        backslashes++;
      }
      return backslashes % 2 ? body.slice(0, end - 1) + SPACE : body.slice(0, end);
    };
    var createRule = (pattern, mark, ignoreCase, stripLineEnd, stripBOM) => {
      let body = stripBOM && pattern[0] === BOM ? pattern.slice(1) : pattern;
      if (body[0] === "#") {
        return;
      }
      let negative = false;
      if (body[0] === "!") {
        negative = true;
        body = body.slice(1);
      }
      const last = body[body.length - 1];
      if (last === SPACE || stripLineEnd && (last === "\r" || last === "\n")) {
        body = trimEnd(body, stripLineEnd);
      }
      if (!body || hasTrailingBackslash(body)) {
        return;
      }
      body = body.replace(REGEX_REPLACE_LEADING_EXCAPED_EXCLAMATION, "!").replace(REGEX_REPLACE_LEADING_EXCAPED_HASH, "#");
      const regexPrefix = makeRegexPrefix(body);
      return new IgnoreRule(
        pattern,
        mark,
        body,
        ignoreCase,
        negative,
        regexPrefix
      );
    };
    var RuleManager = class {
      constructor(ignoreCase) {
        this._ignoreCase = ignoreCase;
        this._rules = [];
        this._basenameCount = 0;
      }
      _add(pattern, index) {
        if (pattern && pattern[KEY_IGNORE]) {
          this._rules = this._rules.concat(pattern._rules._rules);
          this._basenameCount += pattern._rules._basenameCount;
          this._added = true;
          return;
        }
        const isStr = isString(pattern);
        const raw = isStr ? pattern : pattern.pattern;
        const rule = checkPattern(raw) && createRule(
          raw,
          isStr ? UNDEFINED : pattern.mark,
          this._ignoreCase,
          !this._split,
          this._stripBOM && !index
        );
        if (rule) {
          this._added = true;
          this._rules.push(rule);
          if (matchesBasename(rule.body)) {
            this._basenameCount++;
          }
        }
      }
      // @param {Array<string> | string | Ignore} pattern
      add(pattern) {
        this._added = false;
        this._split = isString(pattern);
        this._stripBOM = !this._split || pattern[0] === BOM;
        makeArray(
          this._split ? splitPattern(pattern) : pattern
        ).forEach(this._add, this);
        if (this._added) {
          this._literalRules = UNDEFINED;
        }
        return this._added;
      }
      // Match the literal 'abc/' for `checkIgnore`, last rule wins. Only a rule
      //   ending in a wildcard can match it (see `checkSourceOf`), so the rest
      //   are left out once, rather than tested or compiled for every path.
      testLiteral(path) {
        const rules = this._literalRules || (this._literalRules = this._rules.filter(
          ({ body }) => body[body.length - (body[body.length - 1] === SLASH2 ? 2 : 1)] === "*"
        ));
        let ignored = false;
        let unignored = false;
        let matchedRule;
        for (let index = rules.length - 1; index >= 0; index--) {
          const rule = rules[index];
          if (rule.checkRegex.test(path)) {
            ignored = !rule.negative;
            unignored = rule.negative;
            matchedRule = rule.negative ? UNDEFINED : rule;
            break;
          }
        }
        const ret = {
          ignored,
          unignored
        };
        if (matchedRule) {
          ret.rule = matchedRule;
        }
        return ret;
      }
      // Test one single path without recursively checking parent directories
      //
      // - mode `string` either `MODE_IGNORE` or `MODE_CHECK_IGNORE`
      // @returns {TestResult}
      test(path, mode) {
        const rules = this._rules;
        const { length } = rules;
        const shortcut = this._basenameCount * 2 >= length;
        const basename = shortcut ? basenameOf(path) : path;
        for (let index = length - 1; index >= 0; index--) {
          const rule = rules[index];
          if (rule[mode].test(
            shortcut && rule._basenameOnly ? basename : path
          )) {
            const { negative } = rule;
            const ret = {
              ignored: !negative,
              unignored: negative
            };
            if (!negative) {
              ret.rule = rule;
            }
            return ret;
          }
        }
        return {
          ignored: false,
          unignored: false
        };
      }
    };
    var throwError = (message, Ctor) => {
      throw new Ctor(message);
    };
    var checkPath = (path, originalPath, doThrow) => {
      if (!isString(path)) {
        return doThrow(
          `path must be a string, but got \`${originalPath}\``,
          TypeError
        );
      }
      if (!path) {
        return doThrow(`path must not be empty`, TypeError);
      }
      if (checkPath.isNotRelative(path)) {
        const r = "`path.relative()`d";
        return doThrow(
          `path should be a ${r} string, but got "${originalPath}"`,
          RangeError
        );
      }
      return true;
    };
    var isNotRelative = (path) => {
      const first = path.charCodeAt(0);
      if (first === SLASH_CODE) {
        return true;
      }
      if (first !== DOT_CODE) {
        return false;
      }
      if (path.length === 1) {
        return true;
      }
      const second = path.charCodeAt(1);
      if (second === SLASH_CODE) {
        return true;
      }
      if (second !== DOT_CODE) {
        return false;
      }
      return path.length === 2 || path.charCodeAt(2) === SLASH_CODE;
    };
    checkPath.isNotRelative = isNotRelative;
    checkPath.convert = (p) => p;
    var convertPath = (target) => isString(target) && checkPath.convert(target);
    var Ignore = class {
      constructor({
        ignorecase = true,
        ignoreCase = ignorecase,
        allowRelativePaths = false
      } = {}) {
        define(this, KEY_IGNORE, true);
        this._rules = new RuleManager(ignoreCase);
        this._strictPathCheck = !allowRelativePaths;
        this._initCache();
      }
      _initCache() {
        this._ignoreCache = /* @__PURE__ */ Object.create(null);
        this._testCache = /* @__PURE__ */ Object.create(null);
      }
      add(pattern) {
        if (this._rules.add(pattern)) {
          this._initCache();
        }
        return this;
      }
      // legacy
      addPattern(pattern) {
        return this.add(pattern);
      }
      // @returns {TestResult}
      _test(originalPath, cache, path) {
        checkPath(
          path,
          originalPath,
          this._strictPathCheck ? throwError : RETURN_FALSE
        );
        return path ? this._t(path, cache) : {
          ignored: false,
          unignored: false
        };
      }
      checkIgnore(target) {
        const path = convertPath(target);
        if (!path || path.charCodeAt(path.length - 1) !== SLASH_CODE) {
          return this._test(target, this._testCache, path);
        }
        const dir = this._t(path, this._testCache);
        if (dir.ignored) {
          return dir;
        }
        const literal = this._rules.testLiteral(path);
        return literal.ignored || literal.unignored ? literal : dir;
      }
      _t(path, cache) {
        if (path in cache) {
          return cache[path];
        }
        const parentPath = parentOf2(path);
        const parent = parentPath ? this._t(parentPath, cache) : UNDEFINED;
        return cache[path] = parent && parent.ignored ? parent : this._rules.test(path, MODE_IGNORE);
      }
      ignores(path) {
        return this._test(path, this._ignoreCache, convertPath(path)).ignored;
      }
      createFilter() {
        return (path) => !this.ignores(path);
      }
      filter(paths) {
        return makeArray(paths).filter(this.createFilter());
      }
      // @returns {TestResult}
      test(path) {
        return this._test(path, this._testCache, convertPath(path));
      }
    };
    var factory = (options) => new Ignore(options);
    var isPathValid = (path) => checkPath(convertPath(path), path, RETURN_FALSE);
    var setupWindows = () => {
      const makePosix = (str) => /^\\\\\?\\/.test(str) || /["<>|\u0000-\u001F]+/u.test(str) ? str : str.replace(/\\/g, "/");
      checkPath.convert = makePosix;
      const REGEX_TEST_WINDOWS_PATH_ABSOLUTE = /^[a-z]:\//i;
      checkPath.isNotRelative = (path) => REGEX_TEST_WINDOWS_PATH_ABSOLUTE.test(path) || isNotRelative(path);
    };
    if (
      // Detect `process` so that it can run in browsers.
      typeof process !== "undefined" && process.platform === "win32"
    ) {
      setupWindows();
    }
    module.exports = factory;
    factory.default = factory;
    module.exports.isPathValid = isPathValid;
    define(module.exports, /* @__PURE__ */ Symbol.for("setupWindows"), setupWindows);
  }
});

// packages/runner/src/workspace/workspace.ts
import { mkdirSync as mkdirSync3, lstatSync as lstatSync4, readdirSync as readdirSync3, rmSync as rmSync2, writeFileSync } from "node:fs";

// packages/protocol/dist/error-policy.js
var EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  cancelled: 3,
  auth: 4,
  notFound: 5,
  conflict: 6,
  retryLater: 7,
  streamCut: 8,
  interrupted: 130
};
var policy = (status, retryable, exit, suggestion) => ({ status, retryable, exit, ...suggestion ? { suggestion } : {} });

// packages/protocol/dist/client-errors.js
var CLIENT_ERRORS = {
  invalid_request: policy(400, false, EXIT.usage),
  protocol_mismatch: policy(
    400,
    false,
    EXIT.failed,
    "Bring client, Worker and container image to the same version of claude-edge."
  ),
  unauthorized: policy(
    401,
    false,
    EXIT.auth,
    "Set CLAUDE_EDGE_TOKEN to the deployment's key or a token of it; over HTTP it is `Authorization: Bearer \u2026`."
  ),
  session_not_found: policy(
    404,
    false,
    EXIT.notFound,
    "`claude-edge sessions` lists the account's sessions; over HTTP it is GET /v1/sessions."
  ),
  output_invalid: policy(
    422,
    false,
    EXIT.failed,
    "Simplify the schema, or ask for the output more plainly."
  ),
  turn_failed: policy(500, false, EXIT.failed),
  connection_failed: policy(
    0,
    true,
    EXIT.retryLater,
    "Check the URL (CLAUDE_EDGE_URL) and that the deployment, or `claude-edge dev`, is up."
  ),
  timeout: policy(0, true, EXIT.retryLater),
  stream_interrupted: policy(
    0,
    true,
    EXIT.streamCut,
    "The turn may still be running: read on from the session's events."
  ),
  protocol_error: policy(
    0,
    false,
    EXIT.streamCut,
    "Check that the URL is a claude-edge deployment and not a login or error page."
  ),
  aborted: policy(0, false, EXIT.interrupted),
  no_url: policy(
    0,
    false,
    EXIT.usage,
    "Set CLAUDE_EDGE_URL or pass the URL. In a project `claude-edge dev` runs one; `claude-edge login` saves one."
  ),
  option_refused: policy(0, false, EXIT.usage),
  package_missing: policy(0, false, EXIT.usage, "Run `npm install` in the project's folder.")
};

// packages/protocol/dist/errors.js
var ERRORS = {
  ...CLIENT_ERRORS,
  // A request that cannot be taken.
  invalid_json: policy(400, false, EXIT.usage, "Send a JSON object as the body."),
  unsupported_media_type: policy(
    415,
    false,
    EXIT.usage,
    "Send the body with content-type: application/json."
  ),
  prompt_empty: policy(
    400,
    false,
    EXIT.usage,
    "Send a prompt with at least one visible character."
  ),
  prompt_too_long: policy(
    413,
    false,
    EXIT.usage,
    "Shorten the prompt to 1 MiB, or put the text into a file of the workspace and name it."
  ),
  body_too_large: policy(413, false, EXIT.usage, "Keep the body under 8 MiB."),
  body_too_slow: policy(408, true, EXIT.retryLater, "Send the whole body within 30 seconds."),
  path_too_long: policy(
    414,
    false,
    EXIT.usage,
    "Keep path and query under 4096 characters; what is longer belongs into a body."
  ),
  headers_too_large: policy(431, false, EXIT.usage, "Keep all headers together under 32 KiB."),
  // Who is asking.
  not_configured: policy(
    503,
    false,
    EXIT.auth,
    "Set it: `claude-edge secrets set CLAUDE_EDGE_ROOT_KEY`, or for `claude-edge serve` in its environment."
  ),
  forbidden: policy(
    403,
    false,
    EXIT.auth,
    "Use the root key, or a token that allows it: whoever holds the root key mints one, `claude-edge tokens create`."
  ),
  // What is asked for.
  not_found: policy(404, false, EXIT.notFound),
  method_not_allowed: policy(405, false, EXIT.usage),
  turn_not_found: policy(404, false, EXIT.notFound),
  message_not_found: policy(
    404,
    false,
    EXIT.notFound,
    "Take the id from `message.uuid` of an assistant or user message in the session's events."
  ),
  request_not_found: policy(
    404,
    false,
    EXIT.notFound,
    "GET /v1/requests, or `claude-edge requests`, lists what waits for an answer."
  ),
  session_exists: policy(409, false, EXIT.conflict, "Choose another session id, or leave it out."),
  file_not_found: policy(
    404,
    false,
    EXIT.notFound,
    "`claude-edge files ls <session>` lists what there is; over HTTP it is GET /v1/sessions/{id}/files."
  ),
  checkpoint_not_found: policy(
    404,
    false,
    EXIT.notFound,
    "Name a turn of the session that has ended, or a checkpoint of GET /v1/sessions/{id}/checkpoints."
  ),
  path_invalid: policy(
    400,
    false,
    EXIT.usage,
    "Name it from the workspace, with slashes: `src/main.ts`."
  ),
  not_a_file: policy(
    409,
    false,
    EXIT.conflict,
    "A folder is read as a tar, and deleted with `recursive`; a link out of the workspace is not followed."
  ),
  not_a_directory: policy(
    409,
    false,
    EXIT.conflict,
    "Delete what is in the way, or choose another path."
  ),
  file_changed: policy(
    412,
    false,
    EXIT.conflict,
    "Read it again: its ETag is what If-Match goes by. With If-None-Match: * it must not exist."
  ),
  range_not_satisfiable: policy(416, false, EXIT.usage),
  file_too_large: policy(
    413,
    false,
    EXIT.usage,
    "Send files of up to 100 MiB; larger ones the agent can fetch or make itself."
  ),
  upload_cut: policy(400, true, EXIT.retryLater, "Send it again: nothing of it was kept."),
  tar_invalid: policy(
    400,
    false,
    EXIT.usage,
    "Send an uncompressed tar of files, folders and links that stay inside."
  ),
  storage_full: policy(
    507,
    false,
    EXIT.failed,
    'Add R2: in wrangler.jsonc "r2_buckets": [{ "binding": "FILES", "bucket_name": "\u2026" }], then deploy. Or delete sessions.'
  ),
  file_damaged: policy(
    500,
    false,
    EXIT.failed,
    "What is stored is not what was written. Go back to a checkpoint before it, or write the file again."
  ),
  workspace_too_large: policy(
    413,
    false,
    EXIT.failed,
    'Delete files, or keep them out of checkpoints: `workspace: { ignore: ["data/"] }` in agent.config.ts.'
  ),
  disk_full: policy(
    507,
    false,
    EXIT.failed,
    "The container's disk is full. Delete files, or choose a larger instance type."
  ),
  workspace_unavailable: policy(
    503,
    true,
    EXIT.retryLater,
    "The session's files could not be brought into its container. Try again; what is stored is whole."
  ),
  idempotency_conflict: policy(
    409,
    false,
    EXIT.conflict,
    "Use a new Idempotency-Key for a different request."
  ),
  request_resolved: policy(
    409,
    false,
    EXIT.conflict,
    "The first answer counts: `details` says which it was."
  ),
  queue_full: policy(429, true, EXIT.retryLater, "Wait until a turn of this account has ended."),
  rate_limited: policy(429, true, EXIT.retryLater, "Wait as long as `retry-after` says."),
  too_many_sessions: policy(
    409,
    false,
    EXIT.conflict,
    "Delete sessions, or have the limit raised: `claude-edge limits set`, with the root key."
  ),
  budget_spent: policy(
    402,
    false,
    EXIT.failed,
    "The day's budget is new at 00:00 UTC; the root key can raise it: `claude-edge limits set`."
  ),
  setting_invalid: policy(
    503,
    false,
    EXIT.failed,
    "Mend the variable in wrangler.jsonc, and deploy again."
  ),
  // The container and what runs in it.
  container_unavailable: policy(
    503,
    true,
    EXIT.retryLater,
    "Try again in a few seconds; if it stays so, look at the container's logs."
  ),
  container_lost: policy(
    502,
    true,
    EXIT.retryLater,
    "The container vanished in mid-turn. Send the prompt again; tools that had run are not undone."
  ),
  container_full: policy(
    503,
    true,
    EXIT.retryLater,
    "Wait until a session of this container is idle, or choose a larger instance type."
  ),
  turn_running: policy(409, true, EXIT.conflict, "Wait until the session's turn has ended."),
  agent_start_failed: policy(
    500,
    false,
    EXIT.failed,
    "Look at agent.config.ts and the session's options."
  ),
  agent_exited: policy(502, true, EXIT.retryLater, "Send the prompt again."),
  control_failed: policy(422, false, EXIT.failed),
  caller_gone: policy(
    0,
    false,
    EXIT.failed,
    "Hooks and MCP servers run in the program that passed them: keep it connected while its turns run."
  ),
  // How a turn can fail.
  model_not_configured: policy(
    503,
    false,
    EXIT.auth,
    "Set one of the secrets ANTHROPIC_API_KEY, ANTHROPIC_AUTH_TOKEN or CLAUDE_CODE_OAUTH_TOKEN."
  ),
  needs_api_key: policy(
    501,
    false,
    EXIT.auth,
    "Set ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN instead of CLAUDE_CODE_OAUTH_TOKEN."
  ),
  model_auth_failed: policy(
    502,
    false,
    EXIT.auth,
    "The model API refused the deployment's credential. Set a valid one."
  ),
  model_unreachable: policy(
    502,
    true,
    EXIT.retryLater,
    "Look at ANTHROPIC_BASE_URL, and whether the model API is up; then try again."
  ),
  model_rate_limited: policy(503, true, EXIT.retryLater, "Wait and send the prompt again."),
  model_overloaded: policy(503, true, EXIT.retryLater, "Wait and send the prompt again."),
  model_not_found: policy(502, false, EXIT.failed, "Choose a model this credential may use."),
  model_invalid_request: policy(502, false, EXIT.failed),
  model_refused: policy(422, false, EXIT.failed, "Rephrase the prompt."),
  model_error: policy(502, true, EXIT.retryLater, "Send the prompt again."),
  max_turns: policy(422, false, EXIT.failed, "Raise options.maxTurns, or continue the session."),
  max_budget: policy(422, false, EXIT.failed, "Raise options.maxBudgetUsd in a new session."),
  interrupted: policy(409, false, EXIT.interrupted),
  // Raised by the CLI and the local stack.
  usage: policy(0, false, EXIT.usage),
  node_too_old: policy(0, false, EXIT.usage, "Install Node.js 22.19 or newer."),
  project_not_found: policy(
    0,
    false,
    EXIT.usage,
    "Run it in the folder that holds wrangler.jsonc, or name that folder."
  ),
  config_unusable: policy(
    0,
    false,
    EXIT.failed,
    "Mend the file or remove it (`claude-edge login` writes it anew), or set XDG_CONFIG_HOME."
  ),
  profile_not_found: policy(
    0,
    false,
    EXIT.notFound,
    "`claude-edge login <url> --profile <name>` saves one."
  ),
  cloudflare_login: policy(
    0,
    false,
    EXIT.auth,
    "Run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN."
  ),
  worker_not_found: policy(
    0,
    false,
    EXIT.notFound,
    "Deploy it first: `claude-edge deploy` asks for what it needs."
  ),
  wrangler_failed: policy(0, false, EXIT.failed, "Mend what wrangler says, and run it again."),
  version_mismatch: policy(
    0,
    false,
    EXIT.failed,
    "Set claude-edge and @claude-edge/* to one version in package.json, and run `npm install`."
  ),
  secret_missing: policy(
    0,
    false,
    EXIT.auth,
    "Put it into the environment of `claude-edge deploy`, or `claude-edge secrets set <name>`."
  ),
  deployment_not_ready: policy(
    0,
    true,
    EXIT.retryLater,
    "`npx wrangler containers list` shows how far it is; `claude-edge whoami` tries again."
  ),
  dev_running: policy(0, false, EXIT.conflict, "Use that one, or stop it first."),
  name_collision: policy(
    0,
    false,
    EXIT.conflict,
    "Rename one of them, or fetch them to a disk that tells them apart."
  ),
  port_in_use: policy(
    0,
    false,
    EXIT.conflict,
    "Choose another with --port, or --port 0 for any free one."
  ),
  files_exist: policy(
    0,
    false,
    EXIT.usage,
    "Choose another folder, or have just these files replaced with --force."
  ),
  image_build_failed: policy(
    0,
    false,
    EXIT.failed,
    "What docker says above tells why; the Dockerfile wants a lock file: install the packages first."
  ),
  docker_unavailable: policy(
    0,
    false,
    EXIT.failed,
    "Start Docker. Without it, dev runs containers as local processes, and deploy --containers-rollout none leaves them as they are."
  ),
  internal: policy(500, true, EXIT.failed)
};
var EdgeError = class extends Error {
  name = "EdgeError";
  code;
  details;
  constructor(code, message, details, cause) {
    super(message, cause === void 0 ? void 0 : { cause });
    this.code = code;
    this.details = details;
  }
};

// packages/runner/src/workspace/state.ts
var RACY_MS = 50;
function isUnchanged(known, stats) {
  return known.size === stats.size && known.ino === stats.ino && known.mtimeMs === stats.mtimeMs && known.ctimeMs === stats.ctimeMs && known.mode === modeOf(stats) && known.ctimeMs < known.hashedAt - RACY_MS;
}
function knownFile({ ino, mtimeMs, ctimeMs, mode }, { sha256, size }, hashedAt) {
  return { type: "file", mode: mode & 511, size, sha256, ino, mtimeMs, ctimeMs, hashedAt };
}
var modeOf = (stats) => stats.mode & 511;
function isSame(a, b) {
  if (a.type === "file") return b.type === "file" && a.sha256 === b.sha256 && a.mode === b.mode;
  if (a.type === "directory") return b.type === "directory" && a.mode === b.mode;
  return b.type === "symlink" && a.target === b.target;
}
function entryOf(path, known) {
  if (known.type !== "file") return { path, ...known };
  const { type, mode, size, sha256 } = known;
  return { path, type, mode, size, sha256 };
}
function* parentsOf(path) {
  for (let end = path.indexOf("/"); end >= 0; end = path.indexOf("/", end + 1)) {
    yield path.slice(0, end);
  }
}
var parentOf = (path) => path.slice(0, Math.max(0, path.lastIndexOf("/")));
function isAtOrIn(path, places) {
  return places.size > 0 && (places.has(path) || isIn(path, places));
}
function isIn(path, places) {
  if (places.size === 0) return false;
  for (const parent of parentsOf(path)) if (places.has(parent)) return true;
  return false;
}

// packages/runner/src/workspace/compare.ts
function compare(before, now, isLeft) {
  const gone = /* @__PURE__ */ new Set();
  const left = [];
  for (const [path, was] of before) {
    const is = now.get(path);
    if (!is) {
      if (isLeft(path, was)) left.push([path, was]);
      else gone.add(path);
    } else if (was.type === "directory" !== (is.type === "directory")) gone.add(path);
  }
  for (const [path, was] of left) if (!isIn(path, gone)) now.set(path, was);
  const entries = [];
  for (const path of gone) if (!isIn(path, gone)) entries.push({ path, type: "deleted" });
  for (const [path, is] of now) {
    const was = before.get(path);
    if (!was || !isSame(was, is)) entries.push(entryOf(path, is));
  }
  return entries;
}

// packages/runner/src/workspace/failure.ts
var codeOf = (error) => error?.code;
var isGone = (error) => ["ENOENT", "ENOTDIR", "ELOOP", "EISDIR", "ENXIO"].includes(codeOf(error) ?? "");
var isForbidden = (error) => ["EACCES", "EPERM", "ENAMETOOLONG"].includes(codeOf(error) ?? "");
function orUndefined(work) {
  try {
    return work();
  } catch (error) {
    if (isGone(error)) return void 0;
    throw error;
  }
}
function failureOf(error) {
  if (error instanceof EdgeError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const isFull = ["ENOSPC", "EDQUOT"].includes(codeOf(error) ?? "");
  return new EdgeError(isFull ? "disk_full" : "workspace_unavailable", message, void 0, error);
}

// packages/runner/src/workspace/scan.ts
import { isUtf8 } from "node:buffer";
import { lstatSync, readdirSync, readlinkSync } from "node:fs";
var REPLACED = "\uFFFD";
var MAX_SKIPPED = 100;
function scan(root, rules, limit) {
  const found = /* @__PURE__ */ new Map();
  const skipped = [];
  const unreadable = /* @__PURE__ */ new Set();
  let files = 0;
  const skip = (path, reason) => {
    if (skipped.length < MAX_SKIPPED) skipped.push({ path, reason });
    if (reason === "unreadable") unreadable.add(path);
  };
  const look = (path, work) => {
    try {
      return work();
    } catch (error) {
      if (isForbidden(error)) skip(path, "unreadable");
      else if (!isGone(error)) throw error;
      return void 0;
    }
  };
  const take = (path, what) => {
    found.set(path, what);
    if (what.type === "directory" || ++files <= limit) return;
    const message = `The workspace has more than ${limit} files.`;
    throw new EdgeError("workspace_too_large", message);
  };
  const visit = (directory) => {
    const absolute = directory === "" ? root : `${root}/${directory}`;
    const list = () => readdirSync(absolute, { withFileTypes: true });
    const entries = directory === "" ? list() : look(directory, list);
    if (!entries) return;
    if (entries.some(({ name }) => name === ".gitignore")) {
      rules.enter(directory, `${absolute}/.gitignore`);
    }
    for (const entry of readable(
      absolute,
      entries,
      (name) => skip(join(directory, name), "name")
    )) {
      const path = join(directory, entry.name);
      if (!rules.leavesOut(path, entry.isDirectory()))
        visitEntry(path, `${absolute}/${entry.name}`);
    }
  };
  const visitEntry = (path, absolute) => {
    const stats = look(path, () => lstatSync(absolute));
    if (stats?.isFile()) take(path, { type: "file", stats });
    else if (stats?.isDirectory()) {
      take(path, { type: "directory", mode: modeOf(stats) });
      visit(path);
    } else if (stats?.isSymbolicLink()) {
      const target = look(path, () => readlinkSync(absolute));
      if (target?.includes(REPLACED) && !isUtf8(readlinkSync(absolute, "buffer"))) {
        skip(path, "name");
      } else if (target !== void 0) take(path, { type: "symlink", target });
    } else if (stats) skip(path, "special");
  };
  visit("");
  return { found, skipped, unreadable };
}
var join = (directory, name) => directory === "" ? name : `${directory}/${name}`;
function readable(absolute, entries, skip) {
  if (!entries.some(({ name }) => name.includes(REPLACED))) return entries;
  const names = orUndefined(() => readdirSync(absolute, { encoding: "buffer" })) ?? [];
  const broken = names.filter((name) => !isUtf8(name)).map(String);
  for (const name of broken) skip(name);
  return entries.filter(({ name }) => !broken.includes(name));
}

// packages/runner/src/workspace/checkpoint.ts
function takeCheckpoint(input) {
  const { root, before, rules, limit, spool, isHeld } = input;
  const { found, skipped, unreadable } = scan(root, rules, limit);
  const now = /* @__PURE__ */ new Map();
  for (const [path, what] of found) {
    if (what.type !== "file") {
      now.set(path, what);
      continue;
    }
    const was = before.get(path);
    if (was?.type === "file" && isUnchanged(was, what.stats)) {
      now.set(path, was);
      continue;
    }
    try {
      const read = spool.read(`${root}/${path}`, ({ sha256 }) => isHeld(sha256));
      if (read) now.set(path, knownFile(read.stats, read, read.readAt));
    } catch (error) {
      if (!isForbidden(error)) throw error;
      unreadable.add(path);
      if (skipped.length < 100) skipped.push({ path, reason: "unreadable" });
    }
  }
  const isLeft = (path, was) => isAtOrIn(path, unreadable) || rules.leavesOutAnyOf(path, was.type === "directory");
  return { now, entries: compare(before, now, isLeft), skipped };
}

// packages/runner/src/workspace/ignore-rules.ts
var import_ignore = __toESM(require_ignore(), 1);
import { lstatSync as lstatSync2, readFileSync } from "node:fs";
var IGNORED_DIRECTORIES = /* @__PURE__ */ new Set([
  "node_modules",
  ".venv",
  "venv",
  "__pycache__",
  ".pytest_cache",
  ".mypy_cache",
  ".ruff_cache",
  ".cache",
  ".npm",
  ".pnpm-store",
  ".turbo",
  ".gradle"
]);
var MAX_GITIGNORE_BYTES = 1024 * 1024;
var IgnoreRules = class {
  #patterns;
  #useGitignore;
  /** By the directory they are in. */
  #gitignores = /* @__PURE__ */ new Map();
  constructor({ ignore: patterns, gitignore }) {
    this.#patterns = patterns.length > 0 ? rulesOf(patterns) : void 0;
    this.#useGitignore = gitignore;
  }
  /** Takes in a directory's .gitignore, before it is asked about what is in the directory. */
  enter(directory, file) {
    if (!this.#useGitignore) return;
    try {
      const stats = lstatSync2(file);
      if (!stats.isFile() || stats.size > MAX_GITIGNORE_BYTES) return;
      this.#gitignores.set(directory, rulesOf(readFileSync(file, "utf8")));
    } catch (error) {
      if (!isGone(error) && !isForbidden(error)) throw error;
    }
  }
  /** Whether a path is left out, given that the directories it lies in are not. */
  leavesOut(path, isDirectory) {
    const name = isDirectory ? `${path}/` : path;
    const said = this.#patterns?.test(name);
    if (said?.ignored) return true;
    if (said?.unignored) return false;
    if (isDirectory && IGNORED_DIRECTORIES.has(path.slice(path.lastIndexOf("/") + 1))) return true;
    return this.#gitignores.size > 0 && this.#isGitignored(path, name);
  }
  /** Whether a path is left out, or lies in a directory that is. */
  leavesOutAnyOf(path, isDirectory) {
    for (const parent of parentsOf(path)) if (this.leavesOut(parent, true)) return true;
    return this.leavesOut(path, isDirectory);
  }
  /** The innermost file that has something to say decides. */
  #isGitignored(path, name) {
    for (const directory of [...parentsOf(path)].toReversed().concat("")) {
      const rules = this.#gitignores.get(directory);
      const said = rules?.test(directory === "" ? name : name.slice(directory.length + 1));
      if (said?.ignored) return true;
      if (said?.unignored) return false;
    }
    return false;
  }
};
var rulesOf = (patterns) => (0, import_ignore.default)({ ignoreCase: false }).add(patterns);

// packages/runner/src/workspace/read-hashed.ts
import { createHash } from "node:crypto";
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readSync,
  writeSync
} from "node:fs";
var chunk = Buffer.allocUnsafe(1024 * 1024);
var TRIES = 3;
function readAll(file, take) {
  const hash = createHash("sha256");
  let size = 0;
  for (; ; ) {
    const length = readSync(file, chunk, 0, chunk.length, size);
    if (length === 0) return { sha256: hash.digest("hex"), size };
    const bytes = chunk.subarray(0, length);
    hash.update(bytes);
    take(bytes);
    size += length;
  }
}
function readHashed(path, take, again) {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = orUndefined(() => openSync(path, flags));
  if (file === void 0) return void 0;
  try {
    for (let left = TRIES; ; left -= 1) {
      const readAt = Date.now();
      const stats = fstatSync(file);
      if (!stats.isFile()) return void 0;
      const content = readAll(file, take);
      const after = fstatSync(file);
      const isQuiet = after.size === content.size && after.ctimeMs === stats.ctimeMs;
      if (isQuiet || left === 1) return { ...content, stats, readAt };
      again();
    }
  } finally {
    closeSync(file);
  }
}
var hashFile = (path) => readHashed(
  path,
  () => {
  },
  () => {
  }
);
function writeAll(file, bytes, at) {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(file, bytes, done, bytes.length - done, at + done);
  }
}

// packages/runner/src/workspace/tree.ts
import { isUtf8 as isUtf82 } from "node:buffer";
import {
  chmodSync,
  lstatSync as lstatSync3,
  mkdirSync,
  readdirSync as readdirSync2,
  readlinkSync as readlinkSync2,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync
} from "node:fs";
var OPEN = 448;
var SLASH = Buffer.from("/");
var UNNAMED_MODE = 493;
var Tree = class {
  #root;
  /** Modes that directories get when all is in place: a read-only one could not be filled. */
  #modes;
  /** Directories that were seen to be some. */
  #seen = /* @__PURE__ */ new Set();
  constructor(root, modes) {
    this.#root = root;
    this.#modes = modes;
  }
  absolute(path) {
    return path === "" ? this.#root : `${this.#root}/${path}`;
  }
  /** What is at a path; nothing when a link is on the way to it. */
  look(path) {
    for (const parent of parentsOf(path)) if (!this.#isDirectory(parent)) return void 0;
    return this.#lstat(path);
  }
  /** The workspace itself. */
  makeRoot() {
    const stats = lstatSync3(this.#root, { throwIfNoEntry: false });
    if (stats?.isDirectory()) return;
    if (stats) unlinkSync(this.#root);
    mkdirSync(this.#root, { recursive: true });
  }
  remove(path) {
    const stats = this.look(path);
    if (!stats) return;
    this.#open(parentOf(path));
    if (stats.isDirectory()) this.#seen.clear();
    removeAll(Buffer.from(this.absolute(path)), stats.isDirectory());
    for (const directory of this.#modes.keys()) {
      if (directory === path || directory.startsWith(`${path}/`)) this.#modes.delete(directory);
    }
  }
  makeDirectory(path, mode) {
    this.#makeParents(path);
    const stats = this.#lstat(path);
    if (stats?.isDirectory()) {
      if (modeOf(stats) !== mode || this.#modes.has(path)) this.#modes.set(path, mode);
      return;
    }
    this.#make(path, mode);
  }
  makeLink(path, target) {
    const stats = this.look(path);
    if (stats?.isSymbolicLink() && readlinkSync2(this.absolute(path)) === target) return;
    this.#clearWay(path);
    symlinkSync(target, this.absolute(path));
  }
  /** Puts a file that lies elsewhere in this file system where it belongs. */
  placeFile(path, from) {
    this.#clearWay(path, true);
    renameSync(from, this.absolute(path));
    return lstatSync3(this.absolute(path));
  }
  setMode(path, mode) {
    chmodSync(this.absolute(path), mode);
    return lstatSync3(this.absolute(path));
  }
  /** Deletes what is neither wanted nor left out. Gives whether the directory is empty now. */
  prune(wanted, rules, directory = "") {
    const absolute = this.absolute(directory);
    this.#open(directory);
    rules.enter(directory, `${absolute}/.gitignore`);
    let isEmpty = true;
    for (const entry of readdirSync2(absolute, { withFileTypes: true, encoding: "buffer" })) {
      const name = String(entry.name);
      const path = directory === "" ? name : `${directory}/${name}`;
      const isDirectory = entry.isDirectory();
      if (!isUtf82(entry.name)) {
        removeAll(Buffer.concat([Buffer.from(absolute), SLASH, entry.name]), isDirectory);
      } else if (rules.leavesOut(path, isDirectory)) isEmpty = false;
      else if (isDirectory) {
        const isCleared = this.prune(wanted, rules, path);
        if (wanted.has(path) || !isCleared) isEmpty = false;
        else this.remove(path);
      } else if (wanted.has(path)) isEmpty = false;
      else unlinkSync(this.absolute(path));
    }
    return isEmpty;
  }
  /** Gives directories the modes they are to have. */
  finish() {
    for (const [path, mode] of [...this.#modes].toSorted(([a], [b]) => b.length - a.length)) {
      if (this.look(path)?.isDirectory()) chmodSync(this.absolute(path), mode);
    }
    this.#modes.clear();
  }
  #lstat(path) {
    return orUndefined(() => lstatSync3(this.absolute(path), { throwIfNoEntry: false }));
  }
  #isDirectory(path) {
    if (path === "" || this.#seen.has(path)) return true;
    if (!this.#lstat(path)?.isDirectory()) return false;
    this.#seen.add(path);
    return true;
  }
  #makeParents(path) {
    for (const parent of parentsOf(path)) {
      if (!this.#isDirectory(parent)) this.#make(parent, UNNAMED_MODE);
    }
    this.#open(parentOf(path));
  }
  /** Makes a directory in one that is there, in place of whatever is there. */
  #make(path, mode) {
    this.#open(parentOf(path));
    orUndefined(() => unlinkSync(this.absolute(path)));
    mkdirSync(this.absolute(path), OPEN);
    this.#modes.set(path, mode);
  }
  /** Sees to it that a directory can be written into, until all is in place. */
  #open(path) {
    if (path === "") return;
    const stats = this.#lstat(path);
    if (!stats?.isDirectory() || (modeOf(stats) & OPEN) === OPEN) return;
    if (!this.#modes.has(path)) this.#modes.set(path, modeOf(stats));
    chmodSync(this.absolute(path), modeOf(stats) | OPEN);
  }
  /** Makes a path's directories, and takes away what is there. */
  #clearWay(path, isReplacing = false) {
    this.#makeParents(path);
    const stats = this.#lstat(path);
    if (stats?.isDirectory()) this.remove(path);
    else if (stats && !isReplacing) unlinkSync(this.absolute(path));
  }
};
function removeAll(path, isDirectory) {
  if (!isDirectory) return void orUndefined(() => unlinkSync(path));
  chmodSync(path, OPEN);
  for (const entry of readdirSync2(path, { withFileTypes: true, encoding: "buffer" })) {
    removeAll(Buffer.concat([path, SLASH, entry.name]), entry.isDirectory());
  }
  rmdirSync(path);
}

// packages/runner/src/workspace/restore.ts
var SOURCES = 4;
var Restore = class _Restore {
  /** The workspace as it is now, of what was asked for. */
  state;
  #root;
  #staging;
  #modes = /* @__PURE__ */ new Map();
  #missing = /* @__PURE__ */ new Map();
  /** Files that were written here. */
  #placed = [];
  #isBegun = false;
  constructor({ root, staging }, state) {
    this.#root = root;
    this.#staging = staging;
    this.state = state;
  }
  /** One that fails on the way leaves what it has done, and is not whole: it is to be begun again. */
  static prepare(context, target) {
    return new _Restore(context, target.full ? /* @__PURE__ */ new Map() : context.before);
  }
  /** Nothing is missing. */
  get isWhole() {
    return this.#isBegun && this.#missing.size === 0;
  }
  get missing() {
    return [...this.#missing.keys()];
  }
  begin({ before, rules, sourcesOf }, target) {
    const tree = new Tree(this.#root, this.#modes);
    tree.makeRoot();
    const files = [...target.entries.values()].filter((entry) => entry.type === "file");
    const inPlace = /* @__PURE__ */ new Map();
    const wanted = /* @__PURE__ */ new Map();
    for (const file of files) {
      const isKept = !isAtOrIn(file.path, target.deleted);
      const known = isKept ? findInPlace(tree, file, before) : void 0;
      if (known) inPlace.set(file.path, known);
      else wanted.set(file.sha256, [...wanted.get(file.sha256) ?? [], file]);
    }
    const isHere = this.#stage(new Set(wanted.keys()), sourcesOf);
    for (const path of target.deleted) tree.remove(path);
    if (target.deleted.size > 0) {
      for (const path of this.state.keys()) {
        if (isAtOrIn(path, target.deleted)) this.state.delete(path);
      }
    }
    if (target.full) tree.prune(withParents(target.entries.keys()), rules);
    for (const entry of target.entries.values()) {
      if (entry.type === "directory") {
        tree.makeDirectory(entry.path, entry.mode);
        this.state.set(entry.path, { type: "directory", mode: entry.mode });
      } else if (entry.type === "symlink") {
        tree.makeLink(entry.path, entry.target);
        this.state.set(entry.path, { type: "symlink", target: entry.target });
      }
    }
    for (const [path, known] of inPlace) this.#keep(tree, path, known, target);
    for (const [sha256, entries] of wanted) {
      if (isHere.has(sha256)) this.#place(tree, sha256, entries);
      else this.#missing.set(sha256, entries);
    }
    this.#isBegun = true;
    this.#finishIfWhole(tree);
  }
  /** Takes blobs as they come. Whatever a stream ends with, `drop` is called last. */
  receive() {
    let incoming;
    return {
      begin: (head) => {
        incoming = this.#isWanted(head) ? this.#staging.receive(head) : void 0;
      },
      data: (bytes) => incoming?.write(bytes),
      end: () => {
        const { sha256 } = incoming?.head ?? {};
        const entries = this.#missing.get(sha256 ?? "");
        if (!incoming || !entries) return incoming?.drop();
        incoming.end();
        incoming = void 0;
        const tree = new Tree(this.#root, this.#modes);
        this.#place(tree, sha256, entries);
        this.#missing.delete(sha256);
        this.#finishIfWhole(tree);
      },
      drop: () => incoming?.drop()
    };
  }
  #isWanted({ sha256, size }) {
    const [file] = this.#missing.get(sha256) ?? [];
    if (file && file.size !== size) {
      throw new EdgeError("file_damaged", `${sha256} comes with ${size} bytes, not ${file.size}.`);
    }
    return file !== void 0;
  }
  /** Copies what is in some workspace here already. Gives what could be had. */
  #stage(wanted, sourcesOf) {
    if (wanted.size === 0) return wanted;
    const sources = sourcesOf(wanted);
    const isHad = (sha256) => this.#staging.holds(sha256) || (sources.get(sha256) ?? []).slice(0, SOURCES).some((path) => unlessForbidden(() => this.#staging.copy(path, sha256)) ?? false);
    return new Set([...wanted].filter(isHad));
  }
  #place(tree, sha256, entries) {
    for (const [index, { path, mode, size }] of entries.entries()) {
      const isLast = index === entries.length - 1;
      const stats = tree.placeFile(path, this.#staging.file(sha256, mode, isLast));
      const known = knownFile(stats, { sha256, size }, Date.now());
      this.#placed.push(known);
      this.state.set(path, known);
    }
  }
  #keep(tree, path, known, target) {
    const { mode } = target.entries.get(path);
    if (known.mode === mode) return void this.state.set(path, known);
    const kept = knownFile(tree.setMode(path, mode), known, Date.now());
    this.#placed.push(kept);
    this.state.set(path, kept);
  }
  #finishIfWhole(tree) {
    if (!this.isWhole) return;
    tree.finish();
    this.#staging.clear();
    const now = Date.now();
    for (const file of this.#placed) file.hashedAt = now;
  }
};
function findInPlace(tree, file, before) {
  const stats = tree.look(file.path);
  if (!stats?.isFile() || stats.size !== file.size) return void 0;
  const known = before.get(file.path);
  if (known?.type === "file" && isUnchanged(known, stats)) {
    return known.sha256 === file.sha256 ? known : void 0;
  }
  const read = unlessForbidden(() => hashFile(tree.absolute(file.path)));
  if (read?.sha256 !== file.sha256) return void 0;
  return knownFile(read.stats, read, read.readAt);
}
function unlessForbidden(work) {
  try {
    return work();
  } catch (error) {
    if (isForbidden(error)) return void 0;
    throw error;
  }
}
function withParents(paths) {
  const all = /* @__PURE__ */ new Set();
  for (const path of paths) {
    all.add(path);
    for (const parent of parentsOf(path)) all.add(parent);
  }
  return all;
}

// packages/runner/src/workspace/spool.ts
import { closeSync as closeSync2, ftruncateSync, openSync as openSync2 } from "node:fs";
var Spool = class {
  places = /* @__PURE__ */ new Map();
  #file;
  #open;
  #end = 0;
  constructor(file) {
    this.#file = file;
  }
  /** Reads a file into it; what is had already is taken out again. Undefined when there is no such file. */
  read(path, isHad) {
    let at = this.#end;
    const read = readHashed(
      path,
      (bytes) => {
        this.#open ??= openSync2(this.#file, "w", 384);
        writeAll(this.#open, bytes, at);
        at += bytes.length;
      },
      () => at = this.#end
    );
    if (!read || this.places.has(read.sha256) || isHad(read)) return read;
    const { sha256, size } = read;
    this.places.set(sha256, { file: this.#file, offset: this.#end, size });
    this.#end += size;
    return read;
  }
  close() {
    if (this.#open === void 0) return;
    const file = this.#open;
    this.#open = void 0;
    try {
      ftruncateSync(file, this.#end);
    } finally {
      closeSync2(file);
    }
  }
};

// packages/runner/src/workspace/staging.ts
import { createHash as createHash2 } from "node:crypto";
import {
  chmodSync as chmodSync2,
  closeSync as closeSync3,
  constants as constants2,
  copyFileSync,
  existsSync,
  mkdirSync as mkdirSync2,
  openSync as openSync3,
  renameSync as renameSync2,
  rmSync
} from "node:fs";
var NEW_FILE = constants2.O_WRONLY | constants2.O_CREAT | constants2.O_EXCL | constants2.O_NOFOLLOW;
var Staging = class {
  #folder;
  /** Two streams may bring the same blob at once: each writes a file of its own. */
  #parts = 0;
  constructor(folder) {
    this.#folder = folder;
  }
  holds(sha256) {
    return existsSync(this.#path(sha256));
  }
  /** Takes a copy of a file, if it still has that content. */
  copy(from, sha256) {
    const part = this.#part(sha256);
    const file = openNew(part);
    let at = 0;
    try {
      const take = (bytes) => {
        writeAll(file, bytes, at);
        at += bytes.length;
      };
      const read = readHashed(from, take, () => at = 0);
      if (read?.sha256 !== sha256 || read.size !== at) return false;
      renameSync2(part, this.#path(sha256));
      return true;
    } finally {
      closeSync3(file);
      rmSync(part, { force: true });
    }
  }
  /** Takes one that comes piece by piece. */
  receive(head) {
    return new Incoming(head, this.#part(head.sha256), this.#path(head.sha256));
  }
  /** Gives a file with a blob's content and a mode, to be renamed. The blob stays unless it is the last one. */
  file(sha256, mode, isLast) {
    const blob = this.#path(sha256);
    if (isLast) {
      chmodSync2(blob, mode);
      return blob;
    }
    const copy = `${blob}.copy`;
    rmSync(copy, { force: true });
    copyFileSync(blob, copy, constants2.COPYFILE_EXCL | constants2.COPYFILE_FICLONE);
    chmodSync2(copy, mode);
    return copy;
  }
  clear() {
    rmSync(this.#folder, { recursive: true, force: true });
  }
  #path(sha256) {
    return `${this.#folder}/${sha256}`;
  }
  #part(sha256) {
    mkdirSync2(this.#folder, { recursive: true, mode: 448 });
    return `${this.#path(sha256)}.part${++this.#parts}`;
  }
};
function openNew(path) {
  rmSync(path, { force: true });
  return openSync3(path, NEW_FILE, 384);
}
var Incoming = class {
  head;
  #part;
  #path;
  #file;
  #hash = createHash2("sha256");
  #size = 0;
  constructor(head, part, path) {
    this.head = head;
    this.#part = part;
    this.#path = path;
    this.#file = openNew(part);
  }
  write(bytes) {
    this.#hash.update(bytes);
    writeAll(this.#file, bytes, this.#size);
    this.#size += bytes.length;
  }
  /** It is whole. @throws EdgeError `file_damaged` when it is not what it was said to be. */
  end() {
    const { sha256, size } = this.head;
    if (this.#size !== size || this.#hash.digest("hex") !== sha256) {
      throw new EdgeError("file_damaged", `What was sent as ${sha256} has another hash.`);
    }
    closeSync3(this.#file);
    renameSync2(this.#part, this.#path);
  }
  /** It will not be. */
  drop() {
    closeSync3(this.#file);
    rmSync(this.#part, { force: true });
  }
};

// packages/runner/src/workspace/workspace.ts
var NOTHING = { changed: false, full: false, skipped: [] };
var Workspace = class {
  #folders;
  #options;
  #staging;
  /** Content that is stored, or lies in a checkpoint that is to be. */
  #held = /* @__PURE__ */ new Set();
  /** Of checkpoints that are not stored yet, by number: where their content lies. */
  #spools = /* @__PURE__ */ new Map();
  #state = /* @__PURE__ */ new Map();
  #restore;
  /** The next checkpoint has all there is: one that was to have it failed. */
  #isFullDue = false;
  constructor(folders, options) {
    this.#folders = folders;
    this.#options = options;
    this.#staging = new Staging(folders.staging);
    this.clear();
  }
  get root() {
    return this.#folders.root;
  }
  /** No content of it is missing. */
  get isWhole() {
    return this.#restore?.isWhole ?? true;
  }
  /** Takes a checkpoint, if there is anything new. One that fails changes nothing: the next holds what it would have. */
  checkpoint(number, isFull) {
    const { root, checkpoints } = this.#folders;
    if (!this.isWhole || !orUndefined(() => lstatSync4(root))?.isDirectory()) return NOTHING;
    this.#isFullDue ||= isFull;
    const full = this.#isFullDue;
    mkdirSync3(checkpoints, { recursive: true, mode: 448 });
    const spool = new Spool(`${checkpoints}/${number}.blobs`);
    try {
      const { now, entries, skipped } = takeCheckpoint({
        root,
        before: full ? /* @__PURE__ */ new Map() : this.#state,
        rules: new IgnoreRules(this.#options),
        limit: this.#options.maxFiles,
        spool,
        isHeld: (sha256) => !full && this.#held.has(sha256)
      });
      spool.close();
      const isNew = full || entries.length > 0;
      if (isNew) {
        const lines = entries.map((entry) => `${JSON.stringify(entry)}
`);
        writeFileSync(`${checkpoints}/${number}.ndjson`, lines.join(""), { mode: 384 });
        if (full) this.#held.clear();
        for (const sha256 of spool.places.keys()) this.#held.add(sha256);
        this.#spools.set(number, spool.places);
      } else this.#deleteFiles((of) => of === number);
      this.#state = now;
      this.#isFullDue = false;
      return { changed: isNew, full, skipped };
    } catch (error) {
      orUndefined(() => spool.close());
      this.#deleteFiles((of) => of === number);
      throw failureOf(error);
    }
  }
  /**
   * Where blobs lie: in a checkpoint that is not stored yet, or in the workspace itself.
   * @throws EdgeError `file_not_found` when they are nowhere any more.
   */
  locate(number, blobs) {
    return blobs.map((sha256) => {
      const place = this.#inSpool(sha256) ?? this.#inWorkspace(number, sha256);
      if (place) return place;
      throw new EdgeError("file_not_found", `There is no content ${sha256} here any more.`);
    });
  }
  /** A checkpoint is stored, and all before it. */
  release(number) {
    for (const of of this.#spools.keys()) if (of <= number) this.#spools.delete(of);
    this.#deleteFiles((of) => of <= number);
  }
  /** Brings it to how it is to be. Gives the content that is missing for that. */
  restore(target, sourcesOf) {
    const context = {
      root: this.root,
      staging: this.#staging,
      before: this.#state,
      rules: new IgnoreRules(this.#options),
      sourcesOf
    };
    const restore = Restore.prepare(context, target);
    this.#restore = restore;
    try {
      restore.begin(context, target);
    } finally {
      this.#state = restore.state;
    }
    for (const entry of target.entries.values()) {
      if (entry.type === "file") this.#held.add(entry.sha256);
    }
    return restore.missing;
  }
  get missing() {
    return this.#restore?.missing ?? [];
  }
  /** Takes content that was missing. */
  receive() {
    return this.#restore?.receive() ?? IGNORING;
  }
  /** Adds the files that may have one of these contents. */
  addSources(wanted, sources) {
    for (const [path, known] of this.#state) {
      if (known.type !== "file" || !wanted.has(known.sha256)) continue;
      const others = sources.get(known.sha256);
      if (others) others.push(`${this.root}/${path}`);
      else sources.set(known.sha256, [`${this.root}/${path}`]);
    }
  }
  /** Deletes all it has beside the files themselves. */
  clear() {
    rmSync2(this.#folders.checkpoints, { recursive: true, force: true });
    this.#staging.clear();
  }
  #inSpool(sha256) {
    for (const places of this.#spools.values()) {
      const place = places.get(sha256);
      if (place) return place;
    }
    return void 0;
  }
  /** Takes a copy of a file that has the content, to be sent like the rest of the checkpoint. */
  #inWorkspace(number, sha256) {
    const sources = /* @__PURE__ */ new Map();
    this.addSources(/* @__PURE__ */ new Set([sha256]), sources);
    for (const path of sources.get(sha256) ?? []) {
      const file = `${this.#folders.checkpoints}/${number}.${sha256}`;
      mkdirSync3(this.#folders.checkpoints, { recursive: true, mode: 448 });
      const spool = new Spool(file);
      try {
        spool.read(path, (content) => content.sha256 !== sha256);
      } finally {
        spool.close();
      }
      const place = spool.places.get(sha256);
      if (!place) continue;
      this.#spools.set(number, (this.#spools.get(number) ?? /* @__PURE__ */ new Map()).set(sha256, place));
      return place;
    }
    return void 0;
  }
  /** The files of checkpoints are called after their numbers. */
  #deleteFiles(isMeant) {
    const { checkpoints } = this.#folders;
    for (const name of orUndefined(() => readdirSync3(checkpoints)) ?? []) {
      if (isMeant(Number.parseInt(name, 10))) rmSync2(`${checkpoints}/${name}`, { force: true });
    }
  }
};
var IGNORING = { begin: () => {
}, data: () => {
}, end: () => {
}, drop: () => {
} };

// ../../tmp/bw/scan.ts
import { writeFileSync as writeFileSync2, readdirSync as readdirSync4, lstatSync as lstatSync5 } from "node:fs";
var opts = JSON.parse(process.env.OPTS ?? '{"maxFiles":100000}');
var w = new Workspace({ root: "/tmp/bw/files", checkpoints: "/tmp/bw/cp", staging: "/tmp/bw/st" }, opts);
var time = (name, f) => {
  const c = process.cpuUsage();
  const t = performance.now();
  f();
  const d = process.cpuUsage(c);
  console.log(name.padEnd(20), "wall", (performance.now() - t).toFixed(1), "user", (d.user / 1e3).toFixed(1), "sys", (d.system / 1e3).toFixed(1));
};
time("first", () => w.checkpoint(1, false));
w.release(1);
for (let i = 0; i < 7; i++) {
  writeFileSync2("/tmp/bw/files/d7/one.txt", "x" + i);
  time("one", () => w.checkpoint(i + 2, false));
  w.release(i + 2);
}
for (let i = 0; i < 5; i++) time("scan", () => scan("/tmp/bw/files", new IgnoreRules(opts), 1e5));
for (let i = 0; i < 3; i++) time("lstat only", () => {
  for (const d of readdirSync4("/tmp/bw/files", { withFileTypes: true })) for (const f of readdirSync4("/tmp/bw/files/" + d.name, { withFileTypes: true })) lstatSync5("/tmp/bw/files/" + d.name + "/" + f.name);
});
for (let i = 0; i < 3; i++) time("readdir only", () => {
  for (const d of readdirSync4("/tmp/bw/files", { withFileTypes: true })) for (const f of readdirSync4("/tmp/bw/files/" + d.name, { withFileTypes: true })) ;
});
