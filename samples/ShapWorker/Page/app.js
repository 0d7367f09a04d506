'use strict';

// Rows of the data, chosen so that the explanations differ.
const examples = [
  { name: 'Adélie, male, Torgersen', grams: 3750, row: { species: 'Adelie', island: 'Torgersen', beakLengthMm: 39.1, beakDepthMm: 18.7, flipperLengthMm: 181, sex: 'male' } },
  { name: 'Adélie, female, Dream', grams: 3250, row: { species: 'Adelie', island: 'Dream', beakLengthMm: 39.5, beakDepthMm: 16.7, flipperLengthMm: 178, sex: 'female' } },
  { name: 'Chinstrap, female, Dream', grams: 3500, row: { species: 'Chinstrap', island: 'Dream', beakLengthMm: 46.5, beakDepthMm: 17.9, flipperLengthMm: 192, sex: 'female' } },
  { name: 'Chinstrap, male, Dream', grams: 3900, row: { species: 'Chinstrap', island: 'Dream', beakLengthMm: 50, beakDepthMm: 19.5, flipperLengthMm: 196, sex: 'male' } },
  { name: 'Gentoo, female, Biscoe', grams: 4500, row: { species: 'Gentoo', island: 'Biscoe', beakLengthMm: 46.1, beakDepthMm: 13.2, flipperLengthMm: 211, sex: 'female' } },
  { name: 'Gentoo, male, Biscoe', grams: 6300, row: { species: 'Gentoo', island: 'Biscoe', beakLengthMm: 49.2, beakDepthMm: 15.2, flipperLengthMm: 221, sex: 'male' } },
];
const states = ['handed in', 'waiting', 'active', 'completed'];
const ended = ['completed', 'dead', 'cancelled'];
const labels = { species: 'Species', island: 'Island', beakLengthMm: 'Beak length, mm', beakDepthMm: 'Beak depth, mm', flipperLengthMm: 'Flipper length, mm', sex: 'Sex' };
const patience = 60_000;

const $ = id => document.getElementById(id);
const form = $('penguin');
const wait = ms => new Promise(done => setTimeout(done, ms));
const grams = value => new Intl.NumberFormat('en', { maximumFractionDigits: 0 }).format(value) + ' g';

/** The answer's JSON; an Error with the problem's own words when the service refuses or is away. */
async function ask(url, options) {
  let response;
  try {
    response = await fetch(url, options);
  } catch {
    throw Object.assign(new Error('The service does not answer. Is it running?'), { title: 'No connection' });
  }
  const body = await response.json().catch(() => null);
  if (!response.ok)
    throw Object.assign(new Error(body?.detail ?? body?.title ?? `The service answered ${response.status}.`), { title: body?.title ?? 'That did not work', errors: body?.errors });
  return body;
}

function readForm() {
  const data = new FormData(form);
  const number = name => data.get(name).trim() === '' ? undefined : Number(data.get(name));
  return {
    species: data.get('species'), island: data.get('island'), sex: data.get('sex'),
    beakLengthMm: number('beakLengthMm'), beakDepthMm: number('beakDepthMm'), flipperLengthMm: number('flipperLengthMm'),
  };
}

function fillForm(row) {
  for (const [name, value] of Object.entries(row)) form.elements[name].value = value;
  showFieldErrors({});
}

/** Marks the fields that the service named; returns what belongs to no field of the form. */
function showFieldErrors(errors) {
  const rest = [];
  for (const input of form.querySelectorAll('input[type=number]')) {
    const message = errors[input.name]?.join(' ') ?? '';
    input.setAttribute('aria-invalid', message !== '');
    $(input.name + '-error').textContent = message;
  }
  for (const [name, messages] of Object.entries(errors))
    if (!$(name + '-error')) rest.push(`${name}: ${messages.join(' ')}`);
  form.querySelector('[aria-invalid=true]')?.focus();
  return rest;
}

function showState(state, text) {
  const at = states.indexOf(state);
  $('track').classList.toggle('failed', at < 0);
  for (const [index, item] of [...$('track').children].entries()) {
    item.classList.toggle('done', index < at || state === 'completed');
    item.classList.toggle('now', at < 0 ? item.classList.contains('now') : index === at);
  }
  if ($('progress').textContent !== text) $('progress').textContent = text;
}

function showFailure(error) {
  const rest = showFieldErrors(error.errors ?? {});
  const failure = $('failure');
  const title = document.createElement('strong');
  title.textContent = error.title ?? 'That did not work';
  const detail = error.errors ? (rest.join(' ') || 'The fields marked in the form say why.') : error.message;
  failure.replaceChildren(title, detail);
  failure.hidden = false;
  $('track').classList.add('failed');
  $('progress').textContent = '';
  $('picture').replaceChildren();
  for (const id of ['truth', 'numbers']) $(id).hidden = true;
}

/** Asks until the job has ended; more slowly the longer it takes. */
async function follow(url, started) {
  for (let pause = 80; ; pause = Math.min(pause * 1.3, 1000)) {
    const job = await ask(url);
    const seconds = ((performance.now() - started) / 1000).toFixed(2);
    const attempt = job.attempt > 1 ? `, attempt ${job.attempt} of ${job.maxAttempts}` : '';
    showState(job.state, `Job ${job.id}: ${job.state}${attempt}, ${seconds} s`);
    if (ended.includes(job.state)) return job;
    if (performance.now() - started > patience)
      throw Object.assign(new Error(`After a minute the job is still ${job.state}. Is a worker running?`), { title: 'Still not done' });
    await wait(pause);
  }
}

async function showResult(job, url) {
  const width = Math.round(Math.min(Math.max($('picture').clientWidth, 280), 1600));
  const response = await fetch(`${url}/plot.svg?width=${width}`);
  if (!response.ok) throw new Error(`The picture could not be had: ${response.status}.`);
  const svg = new DOMParser().parseFromString(await response.text(), 'image/svg+xml').documentElement;
  $('picture').replaceChildren(document.importNode(svg, true));

  const explanation = job.result.rows[0];
  const cells = [['Average prediction', '', explanation.baseValue],
    ...Object.entries(explanation.contributions).map(([name, push]) => [labels[name] ?? name, explanation.row[name], push]),
    ['This penguin', '', explanation.prediction]];
  $('rows').replaceChildren(...cells.map(([name, value, number], index) => {
    const line = document.createElement('tr');
    const total = index === 0 || index === cells.length - 1;
    line.append(cell('th', name), cell('td', value), cell('td', (total || number < 0 ? '' : '+') + number.toFixed(2).replace('-', '−')));
    line.firstChild.scope = 'row';
    line.lastChild.className = 'num';
    return line;
  }));
  $('numbers').hidden = false;
  showTruth(explanation);
}

function showTruth(explanation) {
  const known = examples[$('example').value];
  $('truth').hidden = !known;
  if (known) $('truth').textContent = `On the scales this penguin weighed ${grams(known.grams)}: the prediction is ${grams(Math.abs(explanation.prediction - known.grams))} off.`;
}

function cell(tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

form.addEventListener('submit', async event => {
  event.preventDefault();
  const button = $('submit');
  if (button.getAttribute('aria-disabled') === 'true') return;
  button.setAttribute('aria-disabled', 'true');
  $('failure').hidden = true;
  $('picture').classList.add('old');
  showFieldErrors({});
  const started = performance.now();
  // On a narrow screen the result lies below the form.
  if (matchMedia('(max-width: 860px)').matches) $('result').scrollIntoView();
  try {
    showState('handed in', 'Handing the job in …');
    const accepted = await ask('/jobs', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(readForm()) });
    const job = await follow(accepted.links.self, started);
    if (job.state !== 'completed') throw Object.assign(new Error(job.error ?? 'No reason was kept.'), { title: `The job is ${job.state}` });
    await showResult(job, accepted.links.self);
  } catch (error) {
    showFailure(error);
  } finally {
    button.removeAttribute('aria-disabled');
    $('picture').classList.remove('old');
    refresh();
  }
});

/** The counts and the health: what the service says of itself, or that it is silent. */
async function refresh() {
  const [counts, health] = await Promise.allSettled([ask('/queue'), fetch('/health').then(response => response.json())]);
  for (const place of document.querySelectorAll('[data-count]'))
    place.textContent = counts.value ? new Intl.NumberFormat('en').format(counts.value[place.dataset.count]) : '–';
  const status = health.value?.status ?? 'Silent';
  $('health').className = 'health ' + ({ Healthy: 'good', Degraded: 'warn' }[status] ?? 'bad');
  const ailing = Object.entries(health.value?.checks ?? {}).filter(([, check]) => check.status !== 'Healthy').map(([name]) => name);
  const text = { Healthy: 'Redis and queue are well', Silent: 'The service does not answer' }[status] ?? `${status}: ${ailing.join(', ')}`;
  if ($('health-text').textContent !== text) $('health-text').textContent = text;
}

async function keepFresh() {
  for (;;) {
    if (!document.hidden) await refresh();
    await wait(2000);
  }
}

$('example').append(...examples.map((example, index) => new Option(example.name, index)), new Option('One of your own', ''));
$('example').addEventListener('change', event => { if (examples[event.target.value]) fillForm(examples[event.target.value].row); });
form.addEventListener('input', event => { if (event.target.id !== 'example') $('example').value = ''; });
keepFresh();
