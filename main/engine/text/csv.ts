// Tables as text: RFC 4180, read as leniently as Python's csv module does with skipinitialspace, which AUTOMATIC1111 reads styles.csv by. papaparse 5.7 and
// csv-parse 7.0 read some of such files otherwise: a quote behind a space, a cell that goes on behind its quotes, a quote that is never closed.

/** Rows of cells, empty rows left out. A quote that never closes holds the rest; what stands behind one that does is part of its cell. Never throws. */
export function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  const bare = /[^,\r\n]*/y;
  let at = 0;
  const quoted = (): string => {
    let cell = '';
    for (;;) {
      const end = text.indexOf('"', at);
      cell += text.slice(at, end < 0 ? text.length : end);
      at = end < 0 ? text.length : end + 1;
      if (text[at] !== '"') return cell;
      cell += '"';                                           // two quotes are one
      at++;
    }
  };
  for (let row: string[] = []; ;) {
    while (text[at] === ' ') at++;
    let cell = '';
    if (text[at] === '"') {
      at++;
      cell = quoted();
    }
    bare.lastIndex = at;
    row.push(cell + bare.exec(text)![0]);
    at = bare.lastIndex;
    if (text[at] === ',') {
      at++;
      continue;
    }
    if (row.length > 1 || row[0] !== '') rows.push(row);
    if (at >= text.length) return rows;
    at += text.startsWith('\r\n', at) ? 2 : 1;
    row = [];
  }
}

export const formatCsv = (rows: readonly (readonly string[])[]): string => rows.map((row) => `${row.map(cellText).join(',')}\r\n`).join('');

const cellText = (text: string): string => (/[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
