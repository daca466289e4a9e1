// Pressing play on another sound of a list continues there, at the same place.
for (const list of document.querySelectorAll("ul, table")) {
  const players = [...list.querySelectorAll("audio")];
  for (const player of players) {
    player.addEventListener("play", () => {
      for (const other of players.filter((item) => item !== player && !item.paused)) {
        player.currentTime = other.currentTime;
        other.pause();
      }
    });
  }
}
