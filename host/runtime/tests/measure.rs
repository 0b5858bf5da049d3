#[path = "sandbox/office.rs"]
mod office;
use serde_json::json;
#[tokio::test]
async fn measure() {
    let office = office::Office::open().await;
    for (guest, input) in [("caller", json!({"calls": 1})), ("caller", json!({"calls": 100000})), ("counter", json!({"counter": office.counters[0]})), ("wasi", json!({}))] {
        let plugin = office::plugin(guest); let n = if input["calls"] == 100000 { 20 } else { 2000 };
        office.execute_in(office::runtime(), &plugin, input.clone(), Default::default()).await.unwrap();
        let t = std::time::Instant::now();
        for _ in 0..n { office.execute_in(office::runtime(), &plugin, input.clone(), Default::default()).await.unwrap(); }
        eprintln!("{guest} {input} {:?}", t.elapsed() / n);
    }
    let t = std::time::Instant::now();
    let bytes = bursar_artifacts::guest("errand");
    eprintln!("assemble {} bytes {:?}", bytes.len(), t.elapsed());
    let t = std::time::Instant::now(); bursar_runtime::inspect(&bytes).unwrap(); eprintln!("inspect {:?}", t.elapsed());
    let r = bursar_runtime::Runtime::new(bursar_runtime::Settings::default()).unwrap();
    let t = std::time::Instant::now(); r.load(&bytes).unwrap(); eprintln!("load {:?}", t.elapsed());
    let t = std::time::Instant::now(); let b = bursar_artifacts::plugin("bank-reconciliation"); eprintln!("bank {} {:?}", b.len(), t.elapsed());
    let t = std::time::Instant::now(); let p = r.load(&b).unwrap(); eprintln!("load {:?} {:?}", t.elapsed(), p.inspection().imports);
    if let Ok(b) = std::fs::read("/tmp/wasip2.wasm") { let p = r.load(&b).unwrap(); eprintln!("{:?}", p.inspection().wasi);
        eprintln!("{:?}", office.execute_in(&r, &p, json!({}), Default::default()).await.unwrap()); }
}
