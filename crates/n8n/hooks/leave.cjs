'use strict';
// How a worker leaves: it takes nothing more, what it has taken ends, and only then n8n hears that it is to stop.
//
// By itself n8n waits for what runs, and an execution counts as running from when it was read and noted, which takes a while on a busy machine, until
// just before its end is told. One that was just taken is cut off in its middle: its row says `running` for ever, and its caller is told that it
// succeeded. And with the end of a job Bull gives out the next one, which a worker that takes nothing more keeps, and never begins.

const LOOKS_MS = 50;

// n8n gives executions as long, and is given a little more by whoever stops it.
const GRACE_MS = Number(process.env.N8N_GRACEFUL_SHUTDOWN_TIMEOUT ?? 30) * 1000;
const SIGNALS = ['SIGTERM', 'SIGINT'];

const after = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** What a process has in hand of Bull's queues, and how it takes no more. */
class Hands {
  queues = new Set();

  jobs = 0;

  watch(Queue, Job) {
    const hands = this;
    const { process: begin, processJob, _processJobOnNextTick: next } = Queue.prototype;
    const { moveToCompleted } = Job.prototype;
    if (![begin, processJob, next, moveToCompleted].every((its) => typeof its === 'function')) {
      throw new Error('This release of Bull is not known: its workers could not stop without losing anything.');
    }
    Queue.prototype.process = function (...asked) {
      hands.queues.add(this);
      return begin.apply(this, asked);
    };
    Queue.prototype.processJob = function (job, ...more) {
      if (!job) return processJob.call(this, job, ...more);
      hands.jobs += 1;
      return processJob.call(this, job, ...more).finally(() => { hands.jobs -= 1; });
    };
    // What was given out with the end of another job is begun all the same.
    Queue.prototype._processJobOnNextTick = function (again, index, resolve, job) {
      const { paused } = this;
      if (job) this.paused = null;
      try {
        return next.call(this, again, index, resolve, job);
      } finally {
        this.paused = paused;
      }
    };
    Job.prototype.moveToCompleted = function (value, ignoreLock, notFetch) {
      return moveToCompleted.call(this, value, ignoreLock, notFetch || Boolean(this.queue.paused));
    };
  }

  /** While Redis is away there is nothing to take either. */
  async close(grace = GRACE_MS) {
    const until = Date.now() + grace;
    const closed = Promise.allSettled([...this.queues].map((queue) => queue.pause(true, true)));
    await Promise.race([closed, after(grace)]);
    while (this.jobs > 0 && Date.now() < until) await after(LOOKS_MS);
  }
}

/** Whoever listens now hears of a signal once this is done. */
function first(process, done) {
  for (const signal of SIGNALS) {
    const told = process.listeners(signal);
    let heard = false;
    process.removeAllListeners(signal);
    process.on(signal, async () => {
      if (heard) return;
      heard = true;
      await done();
      for (const tell of told) tell.call(process, signal);
    });
  }
}

/** In a worker; in no other process of n8n is anything taken from a queue. */
function leave() {
  if (process.argv[2] !== 'worker') return;
  const Bull = require.main.require('bull');
  const hands = new Hands();
  hands.watch(Bull, Bull.Job);
  first(process, () => hands.close());
}

module.exports = { Hands, first, leave };
