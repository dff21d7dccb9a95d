// How menus look, whether opened by a button or by the right mouse button.
export const menuSheet = 'z-40 min-w-52 animate-in rounded-card border border-line bg-panel p-1 shadow-2xl shadow-shade';
export const menuItem = 'flex h-8 items-center gap-2.5 rounded-small px-2.5 text-text outline-none select-none data-highlighted:bg-hover';
export const menuLine = 'my-1 h-px bg-line';
