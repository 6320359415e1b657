'use strict';
const assert = require('node:assert');
const { EventEmitter } = require('node:events');
const test = require('node:test');
const { Hands, first } = require('./leave.cjs');

/** As far as it matters here, a Bull of one worker. */
function bull() {
  class Job {
    constructor(queue, ends) { Object.assign(this, { queue, ends }); }

    async moveToCompleted(value, ignoreLock, notFetch) {
      await null;
      return notFetch ? null : this.queue.waiting.shift();
    }
  }
  class Queue {
    waiting = [];

    begun = [];

    paused = null;

    process() { this._processJobOnNextTick(() => {}, 0, () => {}); }

    async pause() { this.paused ??= new Promise(() => {}); }

    _processJobOnNextTick(again, index, resolve, job) {
      return (this.paused || Promise.resolve()).then(() => {
        const one = job ?? this.waiting.shift();
        return one && this.processJob(one).then((next) => this._processJobOnNextTick(again, index, resolve, next));
      });
    }

    async processJob(job) {
      if (!job) return null;
      this.begun.push(job);
      await job.ends;
      return job.moveToCompleted();
    }
  }
  return { Queue, Job };
}

function working() {
  const { Queue, Job } = bull();
  const hands = new Hands();
  hands.watch(Queue, Job);
  const queue = new Queue();
  const ends = [];
  const add = () => queue.waiting.push(new Job(queue, new Promise((resolve) => { ends.push(resolve); })));
  return { hands, queue, ends, add };
}

const turn = () => new Promise((resolve) => { setImmediate(resolve); });

test('what was taken is waited for, and nothing more is taken', async () => {
  const { hands, queue, ends, add } = working();
  add();
  add();
  queue.process();
  await turn();
  let closed = false;
  const closing = hands.close(1_000).then(() => { closed = true; });
  await turn();
  assert.deepStrictEqual([closed, hands.jobs, queue.begun.length], [false, 1, 1]);
  ends[0]();
  await closing;
  assert.deepStrictEqual([hands.jobs, queue.begun.length, queue.waiting.length], [0, 1, 1]);
});

test('what was given out with the end of another is begun although nothing is taken any more', async () => {
  const { hands, queue, ends, add } = working();
  add();
  add();
  queue.process();
  await turn();
  // Bull has asked for the next one already, and has not heard of it yet.
  ends[0]();
  await null;
  await null;
  await queue.pause();
  await turn();
  assert.deepStrictEqual([hands.jobs, queue.begun.length], [1, 2]);
  ends[1]();
  await turn();
  assert.notStrictEqual(queue.paused, null, 'it still takes nothing');
});

test('what runs long is n8n\'s to wait for', async () => {
  const { hands, queue, add } = working();
  add();
  queue.process();
  await turn();
  await hands.close(1);
  assert.strictEqual(hands.jobs, 1);
});

test('a queue that cannot be paused keeps nobody', async () => {
  const { hands, queue } = working();
  queue.pause = () => new Promise(() => {});
  queue.process();
  await hands.close(1);
});

test('whoever listened hears of a signal once, afterwards', async () => {
  const process = new EventEmitter();
  const heard = [];
  process.once('SIGTERM', (signal) => heard.push(signal));
  let done;
  first(process, () => new Promise((resolve) => { done = resolve; }));
  process.emit('SIGTERM');
  process.emit('SIGTERM');
  await turn();
  assert.deepStrictEqual(heard, []);
  done();
  await turn();
  assert.deepStrictEqual(heard, ['SIGTERM']);
});

test('a Bull that is not known ends the start', () => {
  assert.throws(() => new Hands().watch(class {}, class {}), /not known/);
});
