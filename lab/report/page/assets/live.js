"use strict";
// Asks how far the campaign is, every few seconds; shows its report again whenever that was made again.
const $ = (id) => document.getElementById(id);
const EVERY_MS = 3000;
let report = null;

function duration(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes} min ${whole % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function show(found) {
  document.title = `${found.finished ? "finished" : `${Math.round((100 * found.spent_s) / found.budget_s)} %`} – ${found.campaign}`;
  $("name").textContent = found.campaign;
  $("question").textContent = found.question;
  $("bar").value = found.finished ? 1 : Math.min(1, found.spent_s / found.budget_s);
  const left = found.finished ? "finished" : `at most ${duration(found.left_s)} of measuring left`;
  const block = found.block === null ? "" : `, block ${found.block}`;
  const quiet = found.finished || found.quiet_s === null ? "" : `; the latest trial began ${duration(found.quiet_s)} ago`;
  $("state").textContent = `${left}; ${found.trials} trials${block}; ${found.measured} of ${found.cases} cases have a number${quiet}`;
  $("latest").replaceChildren(...found.latest.map((text) => { const item = document.createElement("li"); item.textContent = text; return item; }));
  if (found.report !== null && found.report !== report) {
    report = found.report;
    $("report").src = `/report/index.html?${report}`;
    $("report").hidden = $("alone").hidden = false;
    $("no-report").hidden = true;
  }
  return found.finished;
}

async function ask() {
  let isFinished = false;
  try {
    const answer = await fetch("/progress.json");
    const found = await answer.json();
    if (answer.ok) isFinished = show(found);
    else $("state").textContent = `${found.error}; ${found.remedy}`;
  } catch {
    $("state").textContent = "the server does not answer: `lab serve` has ended";
  }
  if (!isFinished) setTimeout(ask, EVERY_MS);
}

ask();
