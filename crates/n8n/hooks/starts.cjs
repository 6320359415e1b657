'use strict';
// How many executions of a tenant are under way. A start that would be one too many waits for one of them to end, and others of the same tenant
// behind it; other tenants notice nothing.
const record = require('./record.cjs');
const { refuse } = require('./refuse.cjs');

// How long a start waits, and how often it looks.
const PATIENCE = Number(process.env.RP9_START_PATIENCE_MS ?? 60_000);
const PAUSE = 150;

// What a start begins is in the table within milliseconds; half a second later the next one counts without it.
const LOOKS = 25;
const LOOK = 20;

// Senders of webhooks come back after a 429 and take a 400 for the last word; of a 503 n8n makes a 500 without the message.
const REASONS = {
  busy: 'Too many executions of this workspace are running. Try again when some of them have ended.',
  month: "This month's executions of this workspace are used up.",
  suspended: 'This workspace is suspended.',
  unknown: 'This workspace is not known to the platform.',
};

const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

const turns = new Map();

function inTurn(project, work) {
  const result = (turns.get(project) ?? Promise.resolve()).then(work);
  const turn = result.then((noted) => noted(), () => {}).catch(() => {});
  turns.set(project, turn);
  turn.then(() => turns.get(project) === turn && turns.delete(project));
  return result;
}

async function noted(hook, workflow, latest) {
  for (let looks = 0; looks < LOOKS; looks += 1) {
    if (await record.hasBegun(hook, workflow, latest)) return;
    await wait(LOOK);
  }
}

async function permitted(hook, workflow, counts, until) {
  for (;;) {
    const { verdict, latest } = await record.begin(hook, workflow, counts);
    if (verdict === 'go') return () => noted(hook, workflow, latest);
    if (verdict !== 'busy' || Date.now() > until) refuse(REASONS[verdict] ?? REASONS.unknown, 429);
    await wait(PAUSE);
  }
}

/** Returns when the execution may begin, and throws when it may not. `counts` says whether it is one of the month's. */
async function begin(hook, project, workflow, counts) {
  const until = Date.now() + PATIENCE;
  await inTurn(project, () => permitted(hook, workflow, counts, until));
}

module.exports = { begin };
