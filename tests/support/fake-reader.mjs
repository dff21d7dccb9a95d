// A reader of pictures that reads none. What it does is written in the path:
//   'die' ends by SIGKILL · 'hang' never answers · 'deaf' dies before it has begun · 'slow' takes 50 ms · 'crowd' answers how many it was asked at once, as the width
process.on('disconnect', () => process.exit());
if (process.env.ATELIER_FAKE_LAUNCH === 'broken') { process.stderr.write('Error: no such library\n'); process.exit(3); }
let atOnce = 0;
process.on('message', async ({ path }) => {
  if (path.includes('deaf')) process.kill(process.pid, 'SIGKILL');
  const most = ++atOnce;
  await new Promise((sent) => { process.send({ type: 'began' }, sent); });
  if (path.includes('die')) process.kill(process.pid, 'SIGKILL');
  if (path.includes('hang')) for (;;);
  if (path.includes('slow') || path.includes('crowd')) await new Promise((done) => { setTimeout(done, 50); });
  process.send({ type: 'answer', answer: { width: path.includes('crowd') ? Math.max(most, atOnce) : 1, height: process.pid } });
  atOnce--;
});
process.send({ type: 'ready' });
