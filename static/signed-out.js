// Goes on to the app that asked, once those in the frames have heard, or after three seconds.
(() => {
  const onward = document.getElementById("logout-continue");
  let gone = false;
  const go = () => {
    if (!gone && onward) {
      gone = true;
      window.location.replace(onward.href);
    }
  };
  window.addEventListener("load", go);
  setTimeout(go, 3000);
})();
