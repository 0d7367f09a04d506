// BullMQ's side of the comparison: the same rows as RowRunner.cs, driven by lines of JSON on stdin until it closes.
'use strict';

const readline = require('node:readline');
const { Queue, Worker } = require('bullmq');

const [row, port, db] = process.argv.slice(2);
const connection = { host: '127.0.0.1', port: Number(port), db: Number(db), maxRetriesPerRequest: null };
const queue = new Queue('bench', { connection });

const mostInOneCall = 1000;
const callers = 64;
const text = 'x'.repeat(200 - '{"text":""}'.length);
const one = { name: 'b', data: { text } };
const part = Array(mostInOneCall).fill(one);

const seconds = since => Number(process.hrtime.bigint() - since) / 1e9;
const pause = ms => new Promise(resolve => setTimeout(resolve, ms));

// What handlers and their settlements tell.
let firstStart;
let onStart = () => {};
let left = 0;
let onLast = () => {};

async function handle() {
  firstStart ??= process.hrtime.bigint();
  onStart(process.hrtime.bigint());
  if (row === 'drain-1ms') {
    await pause(1);
  }
}

async function startWorker(concurrency) {
  // Its documentation asks production systems to remove what has completed; here at once, the cheapest of its ways.
  const worker = new Worker(queue.name, handle, { connection, concurrency, removeOnComplete: { count: 0 } });
  worker.on('completed', () => --left === 0 && onLast());
  worker.on('failed', (job, error) => { throw error; });
  await worker.waitUntilReady();
}

async function oneByOne(jobs) {
  for (let i = 0; i < jobs; i++) {
    await queue.add(one.name, one.data);
  }
}

async function many(jobs) {
  for (let i = jobs; i > 0; i -= mostInOneCall) {
    await queue.addBulk(i >= mostInOneCall ? part : part.slice(0, i));
  }
}

async function timed(work) {
  const began = process.hrtime.bigint();
  await work();
  return [seconds(began)];
}

async function drain(jobs) {
  firstStart = undefined;
  left = jobs;
  const settled = new Promise(resolve => { onLast = resolve; });
  await queue.resume();
  await settled;
  return [seconds(firstStart)];
}

async function latencies(jobs, idle) {
  const times = [];
  for (let i = 0; i < jobs; i++) {
    const started = new Promise(resolve => { onStart = resolve; });
    const began = process.hrtime.bigint();
    await queue.add(one.name, one.data);
    times.push(Number(await started - began) / 1e9);
    await pause(idle);
  }
  return times;
}

const rows = {
  'enqueue-1': { run: jobs => timed(() => oneByOne(jobs)) },
  'enqueue-64': { run: jobs => timed(() => Promise.all(Array.from({ length: callers }, (_, caller) => oneByOne(Math.floor((jobs + caller) / callers))))) },
  'enqueue-many': { run: jobs => timed(() => many(jobs)) },
  'drain': { slots: 64, prepare: jobs => queue.pause().then(() => many(jobs)), run: drain },
  'drain-1ms': { slots: 64, prepare: jobs => queue.pause().then(() => many(jobs)), run: drain },
  'memory': { run: jobs => timed(() => many(jobs)) },
  'latency': { slots: 4, run: latencies },
};

async function answer(line) {
  const { verb, jobs, idle } = JSON.parse(line);
  const work = rows[row][verb];
  const values = work ? await work(jobs, idle) : [];
  console.log(JSON.stringify({ values: values ?? [] }));
}

async function main() {
  await queue.waitUntilReady();
  if (rows[row].slots) {
    await startWorker(rows[row].slots);
  }
  readline.createInterface({ input: process.stdin }).on('line', answer).on('close', () => process.exit(0));
  console.log(JSON.stringify({ values: [] }));
}

main();
