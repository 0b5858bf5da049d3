// Messages that leave after the commit. Needs `messages` for the recipient's domain.

import { mail as hostMail, send as hostSend } from "bursar:office/messages@0.1.0";
import { callRaw, jsonText } from "./convert.js";

/** Drafts a mail and gives its id. The same key gives the same id again; with another mail it is a Conflict. */
export function mail(key, { to, cc = [], replyTo = undefined, subject, text }) {
  return callRaw(hostMail, key, { to, cc, replyTo, subject, text });
}

/** As mail, with words of its own (`subject`, `text`) or a template's (`template`, `data`, `locale`), attachments, or in a thread. */
export function send(key, { to, cc = [], replyTo = undefined, attachments = [], follows = undefined, ...words }) {
  return callRaw(hostSend, key, { to, cc, replyTo, content: contentOf(words), attachments, follows });
}

function contentOf({ subject, text, template, data = {}, locale = undefined }) {
  return template === undefined
    ? { tag: "plain", val: { subject, text } }
    : { tag: "template", val: { template, locale, data: jsonText(data) } };
}
